"""The root of every error that mlpk raises on purpose, and the one a wrong value gets."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ConfigError", "MlpkError", "nearest", "quoted", "shown"]

_MOST_NAMES: Final = 1024
_LONGEST: Final = 64


class MlpkError(Exception):
    """Base of all errors that mlpk raises on purpose; `str()` of each is a plain sentence."""

    def __str__(self) -> str:
        """Return the sentence itself, also where the builtin would quote it (KeyError)."""
        return str(self.args[0]) if self.args else ""


class ConfigError(MlpkError, ValueError):
    """A field has a wrong value, is unknown or is missing.

    `where` is the path of the field ("dense.units", "spec.nodes[3].config.rate"), `problem` the
    rest of the sentence.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.where = where
        self.problem = problem

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle through both arguments."""
        return type(self), (self.where, self.problem)

    def moved(self, old: str, new: str) -> ConfigError:
        """Return the same error with the start of its path replaced."""
        return type(self)(new + self.where.removeprefix(old), self.problem)


def shown(value: object, limit: int = 80) -> str:
    """Return a value for a message: its escaped text, cut to `limit` characters, and its type."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if _is_array(value):
        return f"an array of shape {value.shape}, {value.dtype}"  # type: ignore[attr-defined] # an array has both
    if isinstance(value, list | tuple) and any(map(_is_array, value[:_MOST_NAMES])):
        return f"a {type(value).__name__} of {len(value)}, the first {shown(value[0], limit)}"
    return f"{quoted(value, limit)} ({type(value).__name__})"


def _is_array(value: object) -> bool:
    """Tell an array with axes, whose numbers would fill a page, from a scalar."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    return isinstance(shape, tuple) and bool(shape) and dtype is not None


def quoted(value: object, limit: int = 80) -> str:
    """Return a value's escaped text, cut to `limit` characters, as what strangers wrote must be."""
    text = " ".join(ascii(value).split("\n"))
    return text if len(text) <= limit else text[: limit - 3] + "..."


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name that is most like `name`, or "".

    Of very many names, or long ones, which strangers may write, only some are looked at.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only mistakes need it

    likely = {
        other.lower(): other for other in islice(known, _MOST_NAMES) if len(other) <= _LONGEST
    }
    match = get_close_matches(name.lower(), likely, n=1) if len(name) <= _LONGEST else []
    return f" Did you mean '{likely[match[0]]}'?" if match else ""

"""What a field may be, and the check of a value against it.

A field's annotation is turned into a `Check` once, when its class is defined; the check is then
called with every value, from code, TOML or a file. `strict` is for files: nothing is converted
there. Elsewhere an int serves for a float, and a list or an array of one axis for a tuple. A bool
is never a number.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from numbers import Integral, Real
from typing import (
    Any,
    Literal,
    Protocol,
    TypeGuard,
    Union,
    get_args,
    get_origin,
    runtime_checkable,
)

from mlpk_schemas.checks import (
    BoolCheck,
    Check,
    FloatCheck,
    IntCheck,
    LiteralCheck,
    NoneCheck,
    StrCheck,
    text,
)
from mlpk_schemas.errors import ConfigError, shown
from mlpk_schemas.tree import MAX_DEPTH, is_plain

__all__ = ["KIND_KEYS", "MAX_DEPTH", "AnyPlain", "Check", "check_of"]

# A mapping with exactly these keys stands for a kind, and for nothing else.
KIND_KEYS = frozenset({"id", "schema", "config"})
# From so many items on, asking all at once is faster than one after the other.
LONG = 32


@runtime_checkable
class Row(Protocol):
    """An array, of NumPy or of a kin."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of its axes."""

    def tolist(self) -> list[Any]:
        """Return its numbers as those of Python."""


class TupleCheck(Check):
    """`tuple[T, ...]`, or `tuple[A, B]` with one check an item."""

    def __init__(self, items: tuple[Check, ...], *, repeated: bool) -> None:
        self.items = items
        self.repeated = repeated
        inner = ", ".join(item.wanted for item in items)
        self.wanted = f"a list, each item {inner}" if repeated else f"a list of [{inner}]"

    def __call__(self, value: object, where: str, *, strict: bool) -> tuple[Any, ...]:
        if not isinstance(value, list if strict else (list, tuple)):
            if strict or not isinstance(value, Row) or len(value.shape) != 1:
                raise self.refuse(value, where)
            value = value.tolist()
        if self.repeated:
            if len(value) >= LONG and self._all_exact(value):
                return tuple(value)
            checks: Sequence[Check] = self.items * len(value)
        elif len(value) == len(self.items):
            checks = self.items
        else:
            raise self.refuse(value, where)
        return tuple(
            check(item, f"{where}[{i}]", strict=strict)
            for i, (check, item) in enumerate(zip(checks, value, strict=True))
        )

    def advice(self, value: object) -> str:
        if isinstance(value, Mapping):
            return "; write a list of its values, in order"
        alone = self.repeated and type(value) in (int, float)
        return f"; one alone is written [{value}]" if alone else ""

    def _all_exact(self, value: Sequence[object]) -> bool:
        return set(map(type, value)) <= self.items[0].exact and is_plain(list(value))


class MappingCheck(Check):
    """`Mapping[str, T]`; the result is a dict of its own."""

    def __init__(self, item: Check) -> None:
        self.item = item
        self.wanted = "a mapping"
        if not isinstance(item, AnyPlain):
            self.wanted += f" of names, each value {item.wanted}"

    def __call__(self, value: object, where: str, *, strict: bool) -> dict[str, Any]:
        if not is_str_mapping(value):
            raise self.refuse(value, where)
        if value.keys() == KIND_KEYS:
            raise ConfigError(
                where,
                "wanted a mapping, found one with exactly the keys 'id', 'schema' and 'config', "
                "which is how a kind is written down; use other keys",
            )
        if strict and isinstance(self.item, AnyPlain) and (not value or is_plain(value)):
            return dict(value)
        return {
            text(key, where): self.item(item, f"{where}.{key}", strict=strict)
            for key, item in value.items()
        }


class UnionCheck(Check):
    """The first alternative that takes the value exactly, else the first that converts it."""

    def __init__(self, options: tuple[Check, ...]) -> None:
        self.options = options
        # What "each item" is said of would go on behind an "or", so lists come last.
        told = sorted(options, key=lambda option: isinstance(option, TupleCheck))
        self.wanted = " or ".join(dict.fromkeys(option.wanted for option in told))
        if all(option.exact for option in options):
            self.exact = frozenset().union(*(option.exact for option in options))

    def __call__(self, value: object, where: str, *, strict: bool) -> Any:
        deepest: ConfigError | None = None
        for exactly in (True,) if strict else (True, False):
            for option in self.options:
                try:
                    return option(value, where, strict=exactly)
                except ConfigError as error:
                    # An error further down a path, or of a kind that was named, tells more than
                    # "none of these".
                    named = option.named and not exactly and isinstance(value, str | Mapping)
                    if named or len(error.where) > len(where) or type(error) is not ConfigError:
                        deepest = error
        # An unknown name, where a number may stand too: both are told.
        if deepest and isinstance(deepest.__cause__, KeyError) and self._or_number(value):
            deepest = ConfigError(where, f"wanted {self.wanted}; {deepest.problem}")
        raise self._of_text(value, where) or deepest or self.refuse(value, where)

    def _or_number(self, value: object) -> bool:
        """Tell whether a value is text where a number may stand as well."""
        return isinstance(value, str) and any(
            isinstance(option, FloatCheck | IntCheck) for option in self.options
        )

    def _of_text(self, value: object, where: str) -> ConfigError | None:
        """Return what to say of text where other text or a number is wanted: the rest is no help."""
        if not isinstance(value, str):
            return None
        if self._or_number(value):
            with suppress(ValueError):
                problem = f"wanted a number, found the text {shown(value)}; write it without quotes"
                return ConfigError(where, f"{problem}: {float(value):g}")
        literals = [option for option in self.options if isinstance(option, LiteralCheck)]
        return literals[0].refuse(value, where) if literals else None

    def advice(self, value: object) -> str:
        return next(filter(None, (option.advice(value) for option in self.options)), "")


class AnyPlain(Check):
    """Any tree of None, bool, int, float, str, lists and mappings; with a limit on its depth.

    What a file held is kept and not copied, since a copy may take half a gigabyte.
    """

    wanted = "plain data (nothing but None, bool, int, float, str, lists and mappings)"

    def __call__(self, value: object, where: str, *, strict: bool) -> Any:
        if strict and is_plain(value):
            return value
        try:
            return self._copied(value, MAX_DEPTH)
        except ConfigError as error:
            raise ConfigError((where + error.where).removeprefix("."), error.problem) from None

    def _copied(self, value: object, depth: int) -> Any:
        """Return a copy; the path of an error grows on its way out, so that others cost nothing."""
        if depth == 0:
            raise ConfigError("", f"wanted at most {MAX_DEPTH} levels, found more")
        if not isinstance(value, list | tuple | Mapping):
            return self._scalar(value)
        step: object = None
        try:
            if isinstance(value, Mapping):
                if not is_str_mapping(value):
                    raise self.refuse(value, "")
                table = {}
                for step, item in value.items():
                    table[text(step, "")] = self._copied(item, depth - 1)
                return table
            items = []
            for step, item in enumerate(value):  # noqa: B007 - names the place of an error
                items.append(self._copied(item, depth - 1))
        except ConfigError as error:
            at = "" if step is None else f".{step}" if isinstance(step, str) else f"[{step}]"
            raise ConfigError(at + error.where, error.problem) from None
        return items

    def _scalar(self, value: object) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return text(value, "")
        if isinstance(value, Integral):
            return IntCheck()(value, "", strict=False)
        if isinstance(value, Real):
            return FloatCheck()(value, "", strict=False)
        raise self.refuse(value, "")


def is_str_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


SCALARS: dict[object, Check] = {
    None: NoneCheck(),
    type(None): NoneCheck(),
    bool: BoolCheck(),
    int: IntCheck(),
    float: FloatCheck(),
    str: StrCheck(),
}


def check_of(annotation: Any, where: str, other: Callable[[Any], Check | None]) -> Check:
    """Return the check of an annotation; `other` may serve annotations of its own.

    Raises `ConfigError` at path `where` for what no field may be (a callable, a path, ...).
    """
    if (own := other(annotation)) is not None:
        return own
    if annotation in SCALARS:
        return SCALARS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        for option in arguments:
            if type(option) not in SCALARS:
                raise ConfigError(where, f"a Literal may not hold {shown(option)}")
        return LiteralCheck(arguments)
    if origin in (types.UnionType, Union):
        options = [check_of(argument, where, other) for argument in arguments]
        if any(option.named for option in options):
            options = [option for option in options if not isinstance(option, StrCheck)]
        return options[0] if len(options) == 1 else UnionCheck(tuple(options))
    if origin is tuple and arguments:
        repeated = len(arguments) == 2 and arguments[1] is Ellipsis  # noqa: PLR2004 - (T, ...)
        items = arguments[:1] if repeated else arguments
        checks = tuple(check_of(item, where, other) for item in items)
        return TupleCheck(checks, repeated=repeated)
    if origin is not None and issubclass(origin, Mapping) and arguments[:1] == (str,):
        return MappingCheck(check_of(arguments[1], where, other))
    raise ConfigError(
        where,
        "a field may be None, bool, int, float, str, a Literal, a tuple, a union or a "
        f"Mapping[str, ...] of these, or another kind; found {annotation!r}",
    )

"""Every error that mlpk raises on purpose.

Each derives from `MlpkError` and from the builtin that a caller would catch, says what was
wanted, what was found, where, and what to do next, and carries the culprits as attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mlpk_schemas.errors import ConfigError, MlpkError, nearest, quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mlpk.training.history import History

__all__ = [
    "ConfigError",
    "DataError",
    "DivergedError",
    "FileAccessError",
    "FileFormatError",
    "GraphError",
    "MissingPluginError",
    "MlpkError",
    "PluginError",
    "PluginWarning",
    "PortabilityWarning",
    "ShapeError",
    "TooNew",
    "UnknownArrayError",
    "UnknownKindError",
    "nearest",
    "shown",
    "told",
]


class UnknownKindError(MlpkError, KeyError, AttributeError):
    """No active plugin offers a kind of this name, or several do."""

    def __init__(self, family: str, name: str, problem: str) -> None:
        super().__init__(problem)
        self.family = family
        self.name = name

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.family, self.name, str(self))


class ShapeError(MlpkError, ValueError):
    """An array or a declared shape does not fit; `where` names the node, input or array."""

    def __init__(self, problem: str, where: str = "") -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.problem = problem
        self.where = where

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.where)


class UnknownArrayError(MlpkError, KeyError):
    """A network has no array of this name."""


class GraphError(MlpkError, ValueError):
    """The nodes of a network do not make a graph: a cycle, a loose end, a name used twice."""


class DataError(MlpkError, ValueError):
    """The data cannot be used; `row` is the row of the array that was passed, where one is to blame."""

    def __init__(self, problem: str, row: int | None = None) -> None:
        super().__init__(problem)
        self.row = row

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.row)


class DivergedError(MlpkError, ArithmeticError):
    """The loss is not finite though the data are; the parameters are those before that step."""

    def __init__(self, problem: str, history: History | None = None) -> None:
        super().__init__(problem)
        self.history = history

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.history)


class PluginError(MlpkError, RuntimeError):
    """A plugin is broken, or was asked for what it does not offer; `dist` names it."""

    def __init__(self, problem: str, dist: str | None = None) -> None:
        super().__init__(problem)
        self.dist = dist

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.dist)


class PluginWarning(UserWarning):
    """A plugin does not do what may be expected of it, such as load; everything else works."""


class PortabilityWarning(UserWarning):
    """What is saved names kinds that no other program has: they were added, not installed."""


class TooNew(NamedTuple):
    """A kind that a file holds in a newer schema than the one that is active here.

    `dist` and `version` are of the distribution here that would have to be newer; `claim` is what
    the file says it was written with, "" if nothing.
    """

    id: str
    schema: int
    here: int
    dist: str
    version: str
    claim: str


LOOK = "or load with missing='opaque' to look at the rest"
PREDICT = "or load with missing='opaque': its layers are all here, and it predicts"
RELOAD = "and load the file again"


class MissingPluginError(PluginError):
    """A file needs kinds that are not active here, or newer releases of those that are.

    `kinds` lists all that are missing at once, each with the distribution and version that the
    *file* claims for it; nothing vouches for that claim. `newer` lists those whose schema is
    newer than the one here, and `reasons` says why a kind is missing whose distribution is
    installed: it is blocked, it failed to load, or it has no such kind. `path` is that of the file, and `remedy`
    ends the sentence on what to do.
    """

    def __init__(
        self,
        kinds: Sequence[tuple[str, str, str]],
        newer: Sequence[TooNew] = (),
        reasons: Mapping[str, str] | None = None,
        path: str | None = None,
        remedy: str = LOOK,
    ) -> None:
        self.path = path
        self.remedy = remedy
        self.kinds = tuple(kinds)
        self.newer = tuple(newer)
        self.reasons = dict(reasons or {})
        own = "Kinds of '_local' come from mlpk.plugins.add(...) in the program that saved them. "
        local = any(kind.startswith("_local:") for kind, _, _ in kinds)
        super().__init__(
            (f"{path}: " if path else "")
            + " ".join([*self._missing(), *self._too_new()])
            + f" {own * local}Install only what you know and trust, {remedy}."
        )

    def _missing(self) -> Iterator[str]:
        if self.kinds:
            listed = "; ".join(quoted(each[0]) + self._known(*each) for each in self.kinds)
            yield f"{_some(self.kinds)} not active here: {listed}."

    def _known(self, kind: str, dist: str, version: str) -> str:
        """Return what is known of a missing kind, in brackets."""
        claim = [f"the file claims: {quoted(f'{dist} {version}'.strip())}"] if dist else []
        reason = [self.reasons[kind]] if kind in self.reasons else []
        return f" ({'; '.join([*claim, *reason])})" if claim or reason else ""

    def _too_new(self) -> Iterator[str]:
        if self.newer:
            listed = "; ".join(
                f"{quoted(kind.id)} has schema {kind.schema} there"
                + (f" (the file claims: {quoted(kind.claim)})" if kind.claim else "")
                + f" and {kind.here} in {kind.dist} {kind.version}".rstrip()
                for kind in self.newer
            )
            dists = listing({kind.dist for kind in self.newer})
            yield (
                f"{_some(self.newer)} newer than here: {listed}. A newer release is needed of: "
                f"{dists}."
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kinds, self.newer, self.reasons, self.path, self.remedy)


def _some(kinds: Sequence[object]) -> str:
    return "1 kind of this file is" if len(kinds) == 1 else f"{len(kinds)} kinds of this file are"


class FileFormatError(MlpkError, ValueError):
    """The bytes are not a valid .mlpk file; `path`, `field` and `offset` say where."""

    def __init__(
        self,
        problem: str,
        *,
        path: str | None = None,
        field: str | None = None,
        offset: int | None = None,
    ) -> None:
        place = ", ".join(
            [f"field {field}"] * (field is not None) + [f"byte {offset}"] * (offset is not None)
        )
        start = f"{path}: " if path else ""
        super().__init__(f"{start}{problem}" + (f" (at {place})" if place else ""))
        self.problem = problem
        self.path = path
        self.field = field
        self.offset = offset

    def __reduce__(self) -> tuple[Any, ...]:
        return _file_format_error, (self.problem, self.path, self.field, self.offset)


def _file_format_error(
    problem: str, path: str | None, field: str | None, offset: int | None
) -> FileFormatError:
    return FileFormatError(problem, path=path, field=field, offset=offset)


class FileAccessError(MlpkError, OSError):
    """A file cannot be opened, read or written; `path` names it, `errno` is the system's number."""

    def __init__(self, problem: str, path: str, errno: int | None = None) -> None:
        super().__init__(problem)
        self.path = path
        self.errno = errno

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.path, self.errno)


def told(error: BaseException) -> str:
    """Return an accident as a sentence shows it: its class, and what it says of itself."""
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def listing(names: Iterable[str], limit: int = 12) -> str:
    """Return names for a message, sorted, with the number of those left out."""
    ordered = sorted(names)
    rest = len(ordered) - limit
    text = ", ".join(ordered[:limit])
    return f"{text} and {rest} more" if rest > 0 else text or "none"

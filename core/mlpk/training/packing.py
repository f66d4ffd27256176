"""State of callbacks and data as a file holds it: plain data, with the arrays taken out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from math import inf, isfinite, nan
from typing import Any, Final

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import ConfigError, shown
from mlpk.file.layout import DEFAULTS, DTYPES, type_of
from mlpk.training.columns import column, words
from mlpk_schemas.checks import INT_RANGE, text
from mlpk_schemas.model import NAME

__all__ = ["is_name", "packed", "unpacked"]

NOT_FINITE = {"inf": inf, "-inf": -inf, "nan": nan}
# A value of more than so many items and characters, or of more levels, becomes a column: one that
# grows with every step is not to meet the limits of a header in the middle of a run.
LONG: Final = 256
DEEP: Final = 4
DEEPEST: Final = 64
# What a column may add to the name of what is kept: a dot and a number.
NUMBER: Final = 12
LEAVES: Final = frozenset({type(None), bool, int, float})
WANTED = (
    "None, bools, numbers, text, NumPy arrays and scalars, and lists, tuples and dicts of these"
)


def packed(
    owner: str, state: Mapping[str, Any], arrays: dict[str, Array], where: str
) -> dict[str, Any]:
    """Return a state as plain data; its arrays go into `arrays` as "state:owner/key".

    What could not come back as it is, is refused, at a path that starts with `where`.
    """
    if not isinstance(state, Mapping):
        raise ConfigError(where, f"wanted a dict from state(), found {shown(state)}")
    held = {}
    for key, value in state.items():
        at = f"{where}[{key!r}]"
        if not isinstance(key, str) or re.fullmatch(NAME, key, re.ASCII) is None:
            problem = "wanted a name of ASCII letters, digits, '_', '-' and '.' for what is kept"
            raise ConfigError(at, f"{problem}, found {shown(key)}")
        if not is_name(owner, key):
            most = DEFAULTS.name - NUMBER - len(f"state:{owner}/")
            raise ConfigError(at, f"wanted a name of at most {most} characters, found {len(key)}")
        tree = _Tree(value, at)
        if type(value) is np.ndarray:
            arrays[f"state:{owner}/{key}"] = value
        else:
            names = (f"{key}.{number}" for number in count() if f"{key}.{number}" not in state)
            packer = _Packer(f"state:{owner}/", names, arrays)
            big = tree.items > LONG or tree.levels > DEEP
            held[key] = packer.column(value) if big else packer.plain(value)
    return held


def unpacked(owner: str, held: Mapping[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return the state that `packed` took apart; raises `ConfigError` where it did not."""
    start = f"state:{owner}/"
    mine = {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
    try:
        found = {key: _restored(value, mine) for key, value in held.items()}
    except (
        LookupError, RecursionError, StopIteration, TypeError, ValueError, AttributeError,
    ) as error:  # fmt: skip
        problem = f"the file's state does not fit together: {type(error).__name__} {error}"
        raise ConfigError(f"state.fit.{owner}", problem) from error
    return {**found, **mine}


def is_name(owner: str, key: str) -> bool:
    """Tell whether tensors may be called after what an owner keeps, with a number behind it."""
    length = len(f"state:{owner}/{key}") + NUMBER
    return length <= DEFAULTS.name and re.fullmatch(NAME, key, re.ASCII) is not None


class _Tree:
    """A value that was looked through: how many items and characters it has, and levels."""

    def __init__(self, value: Any, where: str) -> None:
        self.items = 0
        self.levels = 0
        self._where = where
        self._trail: list[Any] = []
        self._look(value)

    def _look(self, value: Any) -> None:
        kind = type(value)
        self.items += 1
        if kind in LEAVES:
            return
        if kind is str:
            self.items += len(value)
            if not value.isascii():
                text(value, self._here())
        elif kind is np.ndarray or isinstance(value, np.generic):
            if type_of(value.dtype) is None:
                wanted = f"wanted an array of one of the dtypes {', '.join(DTYPES)}"
                raise ConfigError(self._here(), f"{wanted}, found {value.dtype}")
        elif kind is dict:
            for key in value:
                self._look(key)
            self._look_into(value.items())
        elif kind in (list, tuple):
            if set(map(type, value)) <= LEAVES:
                self.items += len(value)
                self.levels = max(self.levels, len(self._trail) + 1)
            else:
                self._look_into(enumerate(value))
        else:
            problem = f"wanted {WANTED}, found {shown(value)}"
            raise ConfigError(self._here(), f"{problem}; a checkpoint could not bring it back")

    def _look_into(self, items: Iterable[tuple[Any, Any]]) -> None:
        if len(self._trail) == DEEPEST:
            problem = f"wanted at most {DEEPEST} lists, tuples and dicts inside each other, found "
            raise ConfigError(self._where, f"{problem}more; does one of them hold itself?")
        self._trail.append(None)
        self.levels = max(self.levels, len(self._trail))
        for step, item in items:
            self._trail[-1] = step
            self._look(item)
        self._trail.pop()

    def _here(self) -> str:
        return self._where + "".join(f"[{step!r}]" for step in self._trail)


class _Packer:
    """Makes one value plain, which was looked through; the arrays in it get names of their own."""

    def __init__(self, start: str, names: Iterator[str], arrays: dict[str, Array]) -> None:
        self._start = start
        self._names = names
        self._arrays = arrays
        self._makers: dict[type, Callable[[Any], Any]] = {
            int: lambda value: value if value in INT_RANGE else {"int": str(value)},
            float: lambda value: value if isfinite(value) else {"float": str(value)},
            np.ndarray: lambda value: {"array": self._stored(value)},
            tuple: lambda value: {"tuple": list(map(self.plain, value))},
            list: lambda value: list(map(self.plain, value)),
            dict: self._mapping,
        }

    def plain(self, value: Any) -> Any:
        if value is None or type(value) in (bool, str):
            return value
        if isinstance(value, np.generic):
            return {"scalar": self._stored(np.asarray(value))}
        return self._makers[type(value)](value)

    def column(self, value: Any) -> dict[str, Any]:
        """Return a value as the only one of a column."""
        return {"column": list(words([value], self._stored))}

    def _stored(self, array: Array) -> str:
        name = next(self._names)
        self._arrays[f"{self._start}{name}"] = array
        return name

    def _mapping(self, value: dict[Any, Any]) -> Any:
        """Return a map, or pairs where a map would lose the order, or mean something else."""
        keys = list(value)
        items = {key: self.plain(item) for key, item in value.items()}
        texts = all(type(key) is str for key in keys)
        if texts and keys == sorted(keys) and not _is_tag(value):
            return items
        return {"mapping": [[self.plain(key), item] for key, item in items.items()]}


def _is_tag(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)) in TAGS


def _restored(value: Any, arrays: dict[str, Array]) -> Any:
    """Return what `_Packer` made plain; arrays that it named are taken out of `arrays`."""
    if isinstance(value, list):
        return [_restored(item, arrays) for item in value]
    if not isinstance(value, Mapping):
        return value
    if _is_tag(value):
        ((tag, content),) = value.items()
        return TAGS[tag](content, arrays)
    return {key: _restored(item, arrays) for key, item in value.items()}


# A mapping with one of these as its only key stands for a value that is not plain itself.
TAGS: dict[str, Callable[[Any, dict[str, Array]], Any]] = {
    "array": lambda name, arrays: arrays.pop(name),
    "column": lambda told, arrays: column(iter(told), arrays.pop)[0],
    "float": lambda written, _: NOT_FINITE[written],
    "int": lambda digits, _: int(digits),
    "mapping": lambda pairs, arrays: {_restored(k, arrays): _restored(v, arrays) for k, v in pairs},
    "scalar": lambda name, arrays: arrays.pop(name)[()],
    "tuple": lambda items, arrays: tuple(_restored(items, arrays)),
}

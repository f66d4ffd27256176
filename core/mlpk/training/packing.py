"""State of callbacks and data as a file holds it: plain data, with the arrays taken out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import ConfigError, shown
from mlpk.file.layout import DTYPES, type_of
from mlpk_schemas.checks import INT_RANGE
from mlpk_schemas.model import NAME

__all__ = ["packed", "unpacked"]

NOT_FINITE = {"inf": inf, "-inf": -inf, "nan": nan}
INT64 = range(-(2**63), 2**63)
# Lists of numbers longer than this become arrays: one that grows with every step is not to meet
# the limit of a header in the middle of a run.
LONG = 256
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
        if type(value) is np.ndarray:
            arrays[f"state:{owner}/{key}"] = _checked(value, at)
        else:
            names = (f"{key}.{number}" for number in count() if f"{key}.{number}" not in state)
            held[key] = _Packer(f"state:{owner}/", names, arrays).plain(value, at)
    return held


def unpacked(owner: str, held: Mapping[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Return the state that `packed` took apart; raises `ConfigError` where it did not."""
    start = f"state:{owner}/"
    mine = {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
    try:
        found = {key: _restored(value, mine) for key, value in held.items()}
    except (KeyError, TypeError, ValueError) as error:
        problem = f"the file's state does not fit together: {type(error).__name__} {error}"
        raise ConfigError(f"state.fit.{owner}", problem) from error
    return {**found, **mine}


class _Packer:
    """Makes one value plain; the arrays in it get names of their own."""

    def __init__(self, start: str, names: Iterator[str], arrays: dict[str, Array]) -> None:
        self._start = start
        self._names = names
        self._arrays = arrays
        self._makers: dict[type, Callable[[Any, str], Any]] = {
            int: lambda value, _: value if value in INT_RANGE else {"int": str(value)},
            float: lambda value, _: value if isfinite(value) else {"float": str(value)},
            np.ndarray: lambda value, where: {"array": self._kept(_checked(value, where))},
            tuple: lambda value, where: {"tuple": self._items(list(value), where)},
            list: self._items,
            dict: self._mapping,
        }

    def plain(self, value: Any, where: str) -> Any:
        if value is None or type(value) in (bool, str):
            return value
        if isinstance(value, np.generic):
            return {"scalar": self._kept(_checked(np.asarray(value), where))}
        make = self._makers.get(type(value))
        if make is None:
            problem = f"wanted {WANTED}, found {shown(value)}"
            raise ConfigError(where, f"{problem}; a checkpoint could not bring it back")
        return make(value, where)

    def _kept(self, array: Array) -> str:
        name = next(self._names)
        self._arrays[f"{self._start}{name}"] = array
        return name

    def _items(self, value: list[Any], where: str) -> Any:
        if len(value) > LONG:
            kinds = set(map(type, value))
            if kinds == {float}:
                return {"list": self._kept(np.array(value, np.float64))}
            if kinds == {int} and min(value) in INT64 and max(value) in INT64:
                return {"list": self._kept(np.array(value, np.int64))}
        return [self.plain(item, f"{where}[{place}]") for place, item in enumerate(value)]

    def _mapping(self, value: dict[Any, Any], where: str) -> Any:
        """Return a map, or pairs where a map would lose the order, or mean something else."""
        keys = list(value)
        items = {key: self.plain(item, f"{where}[{key!r}]") for key, item in value.items()}
        texts = all(type(key) is str for key in keys)
        if texts and keys == sorted(keys) and not _is_tag(value):
            return items
        return {"mapping": [[self.plain(key, where), item] for key, item in items.items()]}


def _is_tag(value: Mapping[Any, Any]) -> bool:
    return len(value) == 1 and next(iter(value)) in TAGS


def _checked(array: Array, where: str) -> Array:
    if type_of(array.dtype) is None:
        problem = f"wanted an array of one of the dtypes {', '.join(DTYPES)}, found {array.dtype}"
        raise ConfigError(where, problem)
    return array


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
    "float": lambda text, _: NOT_FINITE[text],
    "int": lambda digits, _: int(digits),
    "list": lambda name, arrays: arrays.pop(name).tolist(),
    "mapping": lambda pairs, arrays: {_restored(k, arrays): _restored(v, arrays) for k, v in pairs},
    "scalar": lambda name, arrays: arrays.pop(name)[()],
    "tuple": lambda items, arrays: tuple(_restored(items, arrays)),
}

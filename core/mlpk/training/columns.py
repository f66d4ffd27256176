"""Values by the thousand as a few arrays: what grows with every step takes no room in a header.

A column is a list of values, told in words, one after the other: what they are, the names of the
arrays that hold them, and for lists, tuples and dicts how long each is, then a column of all that
they hold. So a list of pairs is two arrays or three, however long it is and whatever is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate, chain, pairwise
from typing import Any, TypeAlias

import numpy as np

from mlpk.arrays import Array

__all__ = ["column", "words"]

Word: TypeAlias = str | int
Keep: TypeAlias = Callable[[Array], str]
Take: TypeAlias = Callable[[str], Array]

INT64 = range(-(2**63), 2**63)


def words(values: list[Any], keep: Keep) -> Iterator[Word]:
    """Yield the words of a column; `keep` takes an array and returns its name."""
    sorts: dict[object, list[Any]] = {}
    if len(set(map(type, values))) == 1 and type(values[0]) in ALIKE:
        sorts[type(values[0])] = values  # at no cost an item
    else:
        for value in values:
            sorts.setdefault(_sort(value), []).append(value)
    if len(sorts) != 1:
        places = {sort: place for place, sort in enumerate(sorts)}
        codes = [places[_sort(value)] for value in values]
        yield from ("mixed", keep(np.array(codes, np.int64)), len(sorts))
    for alike in sorts.values():
        yield from _words_of(alike, keep)


def column(told: Iterator[Any], take: Take) -> list[Any]:
    """Return the values of the column that comes next; `take` returns an array by name, once."""
    return READERS[next(told)](told, take)


def _sort(value: Any) -> object:
    """Return what values have in common that one array can hold."""
    if type(value) is int:
        return int, value in INT64
    if type(value) is np.ndarray:
        return np.ndarray, value.dtype, value.shape
    return type(value)


def _words_of(alike: list[Any], keep: Keep) -> Iterator[Word]:
    """Yield the words of values of one sort."""
    first = alike[0]
    if first is None:
        yield from ("nones", keep(np.zeros(len(alike), np.bool_)))
    elif type(first) is int and first not in INT64:
        yield "integers"
        yield from _texts([str(value) for value in alike], keep)
    elif type(first) in PLAIN:
        yield from ("list", keep(np.array(alike, PLAIN[type(first)])))
    elif type(first) is str:
        yield from _texts(alike, keep)
    elif type(first) is np.ndarray:
        yield from ("arrays", keep(np.stack(alike)))
    elif isinstance(first, np.generic):
        yield from ("scalars", keep(np.array(alike)))
    else:
        yield from (HOLDERS[type(first)], keep(np.array([len(each) for each in alike], np.int64)))
        yield from words(list(chain.from_iterable(alike)), keep)
        if type(first) is dict:
            yield from words([item for each in alike for item in each.values()], keep)


def _texts(texts: list[str], keep: Keep) -> Iterator[Word]:
    """Yield texts as their lengths in characters and the UTF-8 of all of them in a row."""
    lengths = np.array([len(text) for text in texts], np.int64)
    yield from ("texts", keep(lengths), keep(np.frombuffer("".join(texts).encode(), np.uint8)))


def _cut(whole: Any, lengths: Array) -> list[Any]:
    """Return the pieces of a text or a list; raises `ValueError` where the lengths are not its."""
    each = lengths.tolist()
    places = list(accumulate(each, initial=0))
    if min(each, default=0) < 0 or places[-1] != len(whole):
        raise ValueError(f"lengths of {places[-1]} in all for {len(whole)} items")
    return [whole[start:stop] for start, stop in pairwise(places)]


def _mixed(told: Iterator[Any], take: Take) -> list[Any]:
    codes = take(next(told)).tolist()
    columns = [iter(column(told, take)) for _ in range(next(told))]
    return [next(columns[code]) for code in codes]


def _read_texts(told: Iterator[Any], take: Take) -> list[str]:
    lengths, data = take(next(told)), take(next(told))
    return _cut(data.tobytes().decode(), lengths)


def _dicts(told: Iterator[Any], take: Take) -> list[dict[Any, Any]]:
    lengths = take(next(told))
    keys, values = _cut(column(told, take), lengths), _cut(column(told, take), lengths)
    return [dict(zip(*each, strict=True)) for each in zip(keys, values, strict=True)]


def _lists(told: Iterator[Any], take: Take) -> list[list[Any]]:
    lengths = take(next(told))
    return _cut(column(told, take), lengths)


def _arrays(told: Iterator[Any], take: Take) -> list[Array]:
    stacked = take(next(told))
    return [stacked[place, ...] for place in range(len(stacked))]


ALIKE = frozenset({type(None), bool, float, str, list, tuple, dict})
PLAIN = {bool: np.bool_, int: np.int64, float: np.float64}
HOLDERS: dict[type, str] = {list: "lists", tuple: "tuples", dict: "dicts"}
READERS: dict[Any, Callable[[Iterator[Any], Take], list[Any]]] = {
    "arrays": _arrays,
    "dicts": _dicts,
    "integers": lambda told, take: [int(digits) for digits in column(told, take)],
    "list": lambda told, take: take(next(told)).tolist(),
    "lists": _lists,
    "mixed": _mixed,
    "nones": lambda told, take: [None] * len(take(next(told))),
    "scalars": lambda told, take: list(take(next(told))),
    "texts": _read_texts,
    "tuples": lambda told, take: [tuple(each) for each in _lists(told, take)],
}

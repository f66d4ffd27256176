"""Trees of plain data, walked in batches, so that most of what is asked of a value is asked in C.

A file's header may hold millions of values. Going from one to the next takes Python seconds; asking
thousands at once for their types, lengths and extremes does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from math import isfinite
from typing import Any, Final

__all__ = ["MAX_DEPTH", "Batch", "Walk", "is_plain"]

MAX_DEPTH: Final = 32
# Few enough to stay in the processor's cache from one question to the next.
_BATCH: Final = 4096
_PLAIN: Final = frozenset({type(None), bool, int, float, str, list, dict})
_LEAST: Final = -(2**63)
_MOST: Final = 2**64 - 1


class Batch:
    """Some values of one depth, which starts at 1, and those among them that hold others."""

    def __init__(self, values: list[Any], depth: int) -> None:
        self.values = values
        self.depth = depth
        self.kinds = set(map(type, values))
        self.tables: list[dict[Any, Any]] = self.of_type(dict)
        self.lists: list[list[Any]] = self.of_type(list)

    def of_type(self, kind: type) -> list[Any]:
        """Return the values of exactly this type."""
        if kind not in self.kinds:
            return []
        if len(self.kinds) == 1:
            return self.values
        return [value for value in self.values if type(value) is kind]

    def keys(self) -> list[Any]:
        """Return the keys of all tables."""
        return list(chain.from_iterable(self.tables))

    def inside(self) -> Iterator[Any]:
        """Return, one by one, what the tables and lists hold."""
        return chain(
            chain.from_iterable(map(dict.values, self.tables)), chain.from_iterable(self.lists)
        )


class Walk:
    """A walk through a tree, whatever its depth; what a batch holds comes before the next batch."""

    def __init__(self, tree: object) -> None:
        self._tree = tree
        self._above: list[Batch] = []

    def __iter__(self) -> Iterator[Batch]:
        left: list[Iterator[Any]] = [iter([self._tree])]
        while left:
            values = list(islice(left[-1], _BATCH))
            if not values:
                left.pop()
                continue
            batch = Batch(values, len(left))
            self._above[len(left) - 1 :] = [batch]
            yield batch
            if batch.tables or batch.lists:
                left.append(batch.inside())

    def where(self, value: object) -> str:
        """Return the path to a value of the latest batch: "a.b[2]"."""
        path = ""
        for batch in reversed(self._above[:-1]):
            holders: list[tuple[object, Iterable[tuple[Any, Any]]]] = []
            holders += ((table, table.items()) for table in batch.tables)
            holders += ((items, enumerate(items)) for items in batch.lists)
            value, step = next(
                (holder, step) for holder, items in holders for step, item in items if item is value
            )
            path = (f".{step}" if isinstance(step, str) else f"[{step}]") + path
        return path.removeprefix(".")


def is_plain(tree: object) -> bool:
    """Tell whether a tree is of None, bool, int, float, str, lists and dicts, as files hold them.

    That is: of exactly these types and at most 32 levels, with text as keys, integers of 64 bits,
    finite floats and valid UTF-8.
    """
    for batch in Walk(tree):
        if batch.depth > MAX_DEPTH or not batch.kinds <= _PLAIN:
            return False
        integers = batch.of_type(int)
        if integers and not _LEAST <= min(integers) <= max(integers) <= _MOST:
            return False
        if not all(map(isfinite, batch.of_type(float))):
            return False
        keys = batch.keys()
        if not set(map(type, keys)) <= {str} or not _is_utf8([*keys, *batch.of_type(str)]):
            return False
    return True


def _is_utf8(texts: list[str]) -> bool:
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True

"""Text on the way to a terminal: results, and what a file says, made harmless."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from mlpk.arrays import Array
from mlpk.table import table

__all__ = ["clean", "facts", "listed", "results"]

# What a file says may be millions of names, or one of a million letters; `--json` shows all of it.
ROWS: Final = 1000
_CELL: Final = 200
_FACT: Final = 2000


def results(found: Mapping[str, Any]) -> str:
    """Return a line for each result: its name and its value."""
    width = max(map(len, found), default=0)
    return "\n".join(f"{name:{width}}  {_value(value)}" for name, value in found.items())


def listed(
    head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Collection[str] = ()
) -> str:
    """Return a table of a file's texts: each harmless and cut, the rows beyond `ROWS` counted."""
    left = iter(rows)
    shown = [tuple(_cut(cell, _CELL) for cell in row) for row in islice(left, ROWS)]
    return table(head, shown, numbers) + _more(left)


def facts(told: Iterable[tuple[str, str]]) -> str:
    """Return a line for each fact, its name and a file's text, cut and counted as in a table."""
    left = iter(told)
    shown = list(islice(left, ROWS))
    width = max(len(name) for name, _ in shown)
    lines = (f"{name:{width}}  {_cut(text, _FACT)}".rstrip() for name, text in shown)
    return "\n".join(lines) + _more(left)


def clean(text: str) -> str:
    """Return text from a file or the system without what would steer or stop standard output."""
    encoding = sys.stdout.encoding or "ascii"
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def _cut(text: str, limit: int) -> str:
    safe = clean(text[: limit + 1])
    return safe if len(safe) <= limit else f"{safe[: limit - 3]}..."


def _more(left: Iterator[object]) -> str:
    count = sum(1 for _ in left)
    return f"\n... and {count:,} more; --json shows all" if count else ""


def _value(value: float | Array) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("\n", " ")

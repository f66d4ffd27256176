"""Text on the way to a terminal: tables, sizes, and what a file says, made harmless."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mlpk.arrays import Array

__all__ = ["clean", "results", "size", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[str] = ()) -> str:
    """Return rows in columns under their names; the columns in `numbers` are set to the right."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if name in numbers else cell.ljust(width)
            for name, cell, width in zip(head, row, widths, strict=True)
        ).rstrip()
        for row in (head, rule, *rows)
    )


def results(found: Mapping[str, Any]) -> str:
    """Return a line for each result: its name and its value."""
    width = max(map(len, found), default=0)
    return "\n".join(f"{name:{width}}  {_value(value)}" for name, value in found.items())


def size(count: int) -> str:
    """Return a number of bytes for people."""
    number, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if number < 1024:  # noqa: PLR2004 - the next unit's size
            break
        number, unit = number / 1024, larger
    return f"{count} B" if unit == "B" else f"{number:.1f} {unit}"


def clean(text: str) -> str:
    """Return text from a file or the system without what would steer or stop standard output."""
    encoding = sys.stdout.encoding or "ascii"
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def _value(value: float | Array) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("\n", " ")

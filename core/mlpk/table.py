"""Plain text in columns, and sizes for people."""

from __future__ import annotations

from collections.abc import Collection, Sequence

__all__ = ["size", "table"]


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Collection[str] = (),
    totals: Sequence[str] | None = None,
) -> str:
    """Return rows in columns under their names; the columns in `numbers` are set to the right.

    `totals` stand in a row of their own at the end.
    """
    last = [] if totals is None else [totals]
    widths = [max(len(row[place]) for row in (head, *rows, *last)) for place in range(len(head))]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if name in numbers else cell.ljust(width)
            for name, cell, width in zip(head, row, widths, strict=True)
        ).rstrip()
        for row in (head, rule, *rows, *(row for total in last for row in (rule, total)))
    )


def size(count: int) -> str:
    """Return a number of bytes for people."""
    number, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if number < 1024:  # noqa: PLR2004 - the next unit's size
            break
        number, unit = number / 1024, larger
    return f"{count} B" if unit == "B" else f"{number:.1f} {unit}"

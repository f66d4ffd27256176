"""What a step takes of memory beside its own."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

__all__ = ["BYTES_A_ROW", "PART", "assert_steady", "taken"]

# What a step may take beside its own memory: this part of inputs and output, and a few numbers
# a row, such as an index.
PART = 1 / 16
BYTES_A_ROW = 24


def taken(step: Callable[[], object]) -> int:
    """Return the bytes that a third step takes at most, beyond what was there before it."""
    step()
    step()
    traced_already = tracemalloc.is_tracing()
    if not traced_already:
        tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not traced_already:
            tracemalloc.stop()


def assert_steady(
    fewer: Callable[[], object],
    more: Callable[[], object],
    rows: int,
    row: float,
    *,
    beside: int = BYTES_A_ROW,
) -> None:
    """Assert that a step on so many rows more, of so many bytes each, takes hardly more memory."""
    growth = (taken(more) - taken(fewer)) / rows
    assert growth <= PART * row + beside, (
        f"a step takes {growth:,.1f} bytes a row beside its memory, where what it is handed has "
        f"{row:,.0f}; compute into memory that is asked for by name, with out="
    )

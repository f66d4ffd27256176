"""The same number everywhere in a stretch of memory."""

from __future__ import annotations

from mlpk.arrays import Array

from mlpk_numba.compiled import compiled

__all__ = ["fill"]


@compiled
def fill(line: Array, number: float) -> None:
    """Write a number to a line: whole vectors at a time, as `line[:] = number` does not."""
    for k in range(line.size):
        line[k] = number

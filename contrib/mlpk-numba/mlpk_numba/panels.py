"""Matrices as panels, laid out once for many products."""

from __future__ import annotations

from mlpk import Context
from mlpk.arrays import Array

from mlpk_numba.compiled import compiled
from mlpk_numba.tile import VECTOR_BYTES, VECTORS

__all__ = ["panels_of"]


def panels_of(ctx: Context, name: str, *parts: Array) -> Array:
    """Return b as panels (panels, I, K, width), of parts (K, I, columns) one below the other.

    The last one has zeros for the columns that it lacks. Each lies in one piece: columns of a wide
    matrix are a power of two apart, more often than not, and drive each other out of the cache.
    """
    _, outer, columns = parts[0].shape
    lanes = VECTOR_BYTES // ctx.dtype.itemsize
    width = lanes if columns <= lanes else lanes * VECTORS
    rows = sum(len(part) for part in parts)
    made = ctx.empty(name, (-(-columns // width), outer, rows, width))
    start = 0
    for part in parts:
        _write(part, made[:, :, start : start + len(part)])
        start += len(part)
    return made


@compiled
def _write(part: Array, panels: Array) -> None:
    rows, outer, columns = part.shape
    count, _, _, width = panels.shape
    for at in range(count):
        for i in range(outer):
            for k in range(rows):
                for column in range(width):
                    place = at * width + column
                    panels[at, i, k, column] = part[k, i, place] if place < columns else 0

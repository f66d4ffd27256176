"""Sums of products, for arrays that lie anywhere: where BLAS would want copies.

a (rows, I, K) times b (I, K, columns) is c (rows, columns), summed over both axes between. b comes
panel by panel, each as wide as a tile.
"""

from __future__ import annotations

import numpy as np
from mlpk.arrays import Array

from mlpk_numba.compiled import compiled
from mlpk_numba.tile import ROWS, VECTOR_BYTES, VECTORS, tile

__all__ = ["add_product", "panel", "width_of"]

SOME = 64  # rows at a time, where columns have to be left out
_eight, _four, _one = (tile(rows, VECTORS) for rows in (8, 4, 1))
_narrow_eight, _narrow_four, _narrow_one = (tile(rows, 1) for rows in (8, 4, 1))


@compiled
def width_of(x: Array) -> int:
    """Return how many columns a panel has; the last one may have fewer."""
    return VECTORS * VECTOR_BYTES // x.itemsize


@compiled
def panel(b: Array, start: int) -> Array:
    """Return the columns of b from `start` on that make a panel, with zeros for those it lacks."""
    width, left = width_of(b), b.shape[2] - start
    if left >= width:
        return b[:, :, start : start + width]
    lanes = VECTOR_BYTES // b.itemsize
    padded = np.empty((b.shape[0], b.shape[1], width if left > lanes else lanes), b.dtype)
    for i in range(b.shape[0]):
        for k in range(b.shape[1]):
            for column in range(padded.shape[2]):
                padded[i, k, column] = b[i, k, start + column] if column < left else 0
    return padded[:, :, : padded.shape[2]]


@compiled
def add_product(a: Array, b: Array, c: Array) -> None:
    """Add the product of a and a panel b to c, which may lack the last columns of the panel."""
    if c.shape[1] == b.shape[2]:
        _add(a, b, c)
        return
    some = np.empty((SOME, b.shape[2]), c.dtype)
    for first in range(0, c.shape[0], SOME):
        target = c[first : first + SOME]
        for row in range(len(target)):
            for column in range(some.shape[1]):
                some[row, column] = 0
        _add(a[first : first + SOME], b, some[: len(target), : some.shape[1]])
        for row in range(len(target)):
            for column in range(target.shape[1]):
                target[row, column] += some[row, column]


@compiled
def _add(a: Array, b: Array, c: Array) -> None:
    row, rows = 0, c.shape[0]
    wide = b.shape[2] == width_of(b)
    if not wide or ROWS == 8:  # noqa: PLR2004 - the tile's name
        while row + 8 <= rows:
            _eight(a[row:], b, c[row:]) if wide else _narrow_eight(a[row:], b, c[row:])
            row += 8
    while row + 4 <= rows:
        _four(a[row:], b, c[row:]) if wide else _narrow_four(a[row:], b, c[row:])
        row += 4
    while row < rows:
        _one(a[row:], b, c[row:]) if wide else _narrow_one(a[row:], b, c[row:])
        row += 1

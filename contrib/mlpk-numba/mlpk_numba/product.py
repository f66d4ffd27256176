"""Sums of products, for arrays that lie anywhere: where BLAS would want copies.

a (P, Q, I, K) times b (I, K, columns) is c (P, Q, columns), summed over both axes between. b comes
panel by panel, each as wide as a tile.
"""

from __future__ import annotations

import numpy as np
from mlpk.arrays import Array

from mlpk_numba.compiled import compiled
from mlpk_numba.tile import ROWS, VECTOR_BYTES, VECTORS, tile

__all__ = ["add_product", "panel", "width_of", "write_product", "write_products"]

_nine, _eight, _four, _one = (tile(rows, VECTORS) for rows in (9, 8, 4, 1))
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
    """Add to c (rows, columns) the product of a (rows, I, K) and a panel b."""
    lines = c[np.newaxis]
    write_product(a[np.newaxis], b, lines, lines)


@compiled
def write_product(a: Array, b: Array, begin: Array, c: Array) -> None:
    """Write begin and the product of a and a panel b to c, which may lack the panel's last columns."""
    only = b[np.newaxis]
    if c.shape[2] == b.shape[2]:
        for p in range(len(c)):
            _write_rows(0, p, 0, a, only, begin, c)
        return
    line = np.empty((1, c.shape[1], b.shape[2]), c.dtype)
    for p in range(len(c)):
        for row in range(c.shape[1]):
            for column in range(line.shape[2]):
                line[0, row, column] = begin[p, row, column] if column < c.shape[2] else 0
        _write_rows(0, 0, 0, a[p : p + 1], only, line, line)
        for row in range(c.shape[1]):
            for column in range(c.shape[2]):
                c[p, row, column] = line[0, row, column]


@compiled
def write_products(a: Array, b: Array, begin: Array, c: Array) -> None:
    """Write begin and the product of each a[p] and its own b[p], (I, K, columns), to c[p].

    The columns fill vectors.
    """
    for p in range(len(c)):
        for f in range(0, c.shape[2], width_of(c)):
            _write_rows(p, p, f, a, b, begin, c)


@compiled
def _write_rows(o: int, p: int, f: int, a: Array, b: Array, begin: Array, c: Array) -> None:
    """Do all rows of c[p] from those of a[p] and from b[o], in a panel of columns from f on.

    Where b has no more, the panel is a single vector.
    """
    rows = c.shape[1]
    wide = b.shape[3] - f >= width_of(b)
    q = 0
    if not wide or ROWS == 8:  # noqa: PLR2004 - the tile's name
        while q + 8 <= rows:
            if wide and q + 9 == rows:  # a single row would take half as long as eight
                _nine(o, p, q, f, a, b, begin, c)
                q += 9
                break
            if wide:
                _eight(o, p, q, f, a, b, begin, c)
            else:
                _narrow_eight(o, p, q, f, a, b, begin, c)
            q += 8
    while q + 4 <= rows:
        if wide:
            _four(o, p, q, f, a, b, begin, c)
        else:
            _narrow_four(o, p, q, f, a, b, begin, c)
        q += 4
    while q < rows:
        if wide:
            _one(o, p, q, f, a, b, begin, c)
        else:
            _narrow_one(o, p, q, f, a, b, begin, c)
        q += 1

"""Tiles of images: 2 x 2 places of y, the 4 x 4 of x that they see, and 16 sums to multiply by.

A strip is some rows of tiles of one image. What is made of it are arrays (4, 4, tiles, channels).
Before the products on one strip begin, the cache is asked for the next: it would not guess that
rows of several images, a strip apart, come next.
"""

from __future__ import annotations

import numpy as np
from mlpk.arrays import Array

from mlpk_numba.compiled import compiled
from mlpk_numba.prefetch import prefetch_to_read, prefetch_to_write
from mlpk_numba.sandwich import sandwich
from mlpk_numba.tile import VECTOR_BYTES

__all__ = ["join_tiles", "spread_dy", "spread_x"]

_from_x = sandwich(((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, -1, 0, 1)), 1, 0)  # B'
_from_dy = sandwich(((1, 0), (1, 1), (1, -1), (0, 1)), 1, 0)  # A
_to_y = sandwich(((1, 1, 1, 0), (0, 1, -1, 1)), 0, 1)  # A'


@compiled
def spread_x(
    n: int,
    low: int,
    high: int,
    across: int,
    before: tuple[int, int],
    start: int,
    x: Array,
    spread: Array,
) -> None:
    """Write B' d B for the rows of tiles from `low` to `high` of an image, `across` in each.

    `before` is how many zeros are above and left of x; channels are those from `start` on.
    """
    _, height, width, _ = x.shape
    channels = spread.shape[3]
    corner = np.empty((1, 4, 4, channels), x.dtype)
    lanes = VECTOR_BYTES // x.itemsize
    for row in range(low, high):
        for column in range(across):
            tile, top, left = (
                (row - low) * across + column,
                2 * row - before[0],
                2 * column - before[1],
            )
            _ask_to_read(x, n, top + 2 * (high - low) + 2, left + 2, start, channels)
            if top >= 0 and left >= 0 and top + 4 <= height and left + 4 <= width:
                for c in range(0, channels, lanes):
                    _from_x(x, (n, top, left, start + c), spread, (0, 0, tile, c))
            else:
                _cut(x[n], top, left, start, corner[0])
                for c in range(0, channels, lanes):
                    _from_x(corner, (0, 0, 0, c), spread, (0, 0, tile, c))


@compiled
def spread_dy(n: int, low: int, high: int, across: int, dy: Array, spread: Array) -> None:
    """Write A dy A' for the rows of tiles from `low` to `high` of an image, `across` in each."""
    _, height, width, filters = dy.shape
    corner = np.empty((1, 2, 2, filters), dy.dtype)
    lanes = VECTOR_BYTES // dy.itemsize
    for row in range(low, high):
        for column in range(across):
            tile, top, left = (row - low) * across + column, 2 * row, 2 * column
            _ask_to_read(dy, n, top + 2 * (high - low), left, 0, filters)
            if top + 2 <= height and left + 2 <= width:
                for f in range(0, filters, lanes):
                    _from_dy(dy, (n, top, left, f), spread, (0, 0, tile, f))
            else:
                _cut(dy[n], top, left, 0, corner[0])
                for f in range(0, filters, lanes):
                    _from_dy(corner, (0, 0, 0, f), spread, (0, 0, tile, f))


@compiled
def join_tiles(n: int, low: int, high: int, across: int, sums: Array, y: Array) -> None:
    """Write A' (sums) A to the rows of tiles from `low` to `high` of an image, `across` in each."""
    _, height, width, filters = y.shape
    corner = np.empty((1, 2, 2, filters), y.dtype)
    lanes = VECTOR_BYTES // y.itemsize
    for row in range(low, high):
        for column in range(across):
            tile, top, left = (row - low) * across + column, 2 * row, 2 * column
            _ask_to_write(y, n, top + 2 * (high - low), left)
            if top + 2 <= height and left + 2 <= width:
                for f in range(0, filters, lanes):
                    _to_y(sums, (0, 0, tile, f), y, (n, top, left, f))
            else:
                for f in range(0, filters, lanes):
                    _to_y(sums, (0, 0, tile, f), corner, (0, 0, 0, f))
                for i in range(min(2, height - top)):
                    for j in range(min(2, width - left)):
                        for f in range(filters):
                            y[n, top + i, left + j, f] = corner[0, i, j, f]


@compiled
def _cut(image: Array, top: int, left: int, start: int, out: Array) -> None:
    """Write what an image has at places from (top, left) on, and zeros beside it."""
    height, width, _ = image.shape
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            row, column = top + i, left + j
            inside = 0 <= row < height and 0 <= column < width
            for c in range(out.shape[2]):
                out[i, j, c] = image[row, column, start + c] if inside else 0


@compiled
def _ask_to_read(x: Array, n: int, row: int, column: int, start: int, channels: int) -> None:
    """Have 2 x 2 places fetched; beside an image that is other memory, fetched in vain."""
    for i in range(2):
        for j in range(2):
            for c in range(0, channels, VECTOR_BYTES // x.itemsize):
                prefetch_to_read(x, (n, row + i, column + j, start + c))


@compiled
def _ask_to_write(x: Array, n: int, row: int, column: int) -> None:
    """Have 2 x 2 places fetched as those that are about to be written."""
    for i in range(2):
        for j in range(2):
            for c in range(0, x.shape[3], VECTOR_BYTES // x.itemsize):
                prefetch_to_write(x, (n, row + i, column + j, c))

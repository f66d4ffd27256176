"""Matrix products in parts that BLAS takes as they lie, instead of packing both factors anew.

OpenBLAS does so with up to a million multiply-adds, on processors with AVX-512, and is a fifth
faster then where a factor has few columns, as the kernels of convolutions have. Elsewhere parts
of this size cost next to nothing.
"""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array

PART = 10**6
ROWS = 24  # with fewer, what is done once a part would weigh too much


def part(multiply_adds: int, least: int = ROWS) -> int | None:
    """Return how many rows make a part, where each takes so many multiply-adds.

    None where they would be fewer than `least`. Whole eights of them keep the processor busy.
    """
    rows = PART // max(1, multiply_adds) // 8 * 8
    return rows if rows >= least else None


def product(a: Array, b: Array, out: Array) -> None:
    """Write a (groups, rows, k) times b (groups, k, n) to out (groups, rows, n)."""
    groups, rows, k = a.shape
    step = part(b[0].size) or max(1, rows)
    whole = rows - rows % step
    if whole:
        parts = a[:, :whole].reshape(groups, -1, step, k)
        np.matmul(parts, b[:, None], out=out[:, :whole].reshape(groups, -1, step, out.shape[-1]))
    if whole < rows:
        np.matmul(a[:, whole:], b, out=out[:, whole:])


def in_pieces(a: Array, columns: int) -> Array:
    """Return a (rows, depth) as (pieces, rows / pieces, depth), for products with (depth, columns).

    For products over and over with the same `a`, which is cut once. It stays one piece where many
    would be needed.
    """
    rows, depth = a.shape
    for count in (1, 2, 4, 8, 16, 32):
        if rows % count == 0 and rows * depth * columns <= count * PART:
            return a.reshape(count, rows // count, depth)
    return a[None]

"""Matrix products in parts that BLAS takes as they lie, instead of packing both factors anew.

OpenBLAS does so with up to a million multiply-adds, on processors with AVX-512, and is a fifth
faster then where a factor has few columns, as the kernels of convolutions have. Elsewhere parts
of this size cost next to nothing, but BLAS takes a single thread for them.
"""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.workers import single

PART = 10**6
ROWS = 24  # with fewer, what is done once a part would weigh too much


def part(multiply_adds: int, least: int = ROWS) -> int | None:
    """Return how many rows make a part, where each takes so many multiply-adds.

    None where they would be fewer than `least`. Whole eights of them keep the processor busy.
    """
    rows = PART // max(1, multiply_adds) // 8 * 8
    return rows if rows >= least else None


def product(a: Array, b: Array, out: Array) -> None:
    """Write a (..., rows, k) times b (..., k, n) to out (..., rows, n), as `np.matmul` does."""
    *outer, rows, k = a.shape
    columns = b.shape[-1]
    step = part(k * columns) or rows
    whole = rows - rows % step if rows > step else 0
    if whole:
        parts = a[..., :whole, :].reshape(*outer, -1, step, k)
        into = out[..., :whole, :].reshape(*outer, -1, step, columns)
        np.matmul(parts, b[..., None, :, :], out=into)
    if whole < rows:
        np.matmul(a[..., whole:, :], b, out=out[..., whole:, :])


def dot(a: Array, b: Array, out: Array) -> Array:
    """Write a (rows, k) times b (k, n) to out, and return it; b lies in C order."""
    if a.size * b.shape[1] > PART and part(b.size) and single():
        product(a, b, out)
        return out
    return a.dot(b, out)  # it asks less before it begins than `matmul` does


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

"""Matrix products in parts that BLAS takes as they lie, instead of packing both factors anew.

OpenBLAS does so with up to a million multiply-adds, on processors with AVX-512, and is a fifth
faster then where a factor has few columns, as the kernels of convolutions have. Elsewhere parts
of this size cost next to nothing, but BLAS takes a single thread for them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlpk import Context
from mlpk.arrays import Array
from mlpk.workers import LITTLE, MUCH, share, single

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
    rows, k = a.shape[-2:]
    columns = b.shape[-1]
    step = part(k * columns) or rows
    if rows <= step:
        np.matmul(a, b, out=out)
        return
    whole = rows - rows % step
    parts = a[..., :whole, :].reshape(*a.shape[:-2], -1, step, k)
    into = out[..., :whole, :].reshape(*a.shape[:-2], -1, step, columns)
    np.matmul(parts, b[..., None, :, :], out=into)
    if whole < rows:
        np.matmul(a[..., whole:, :], b, out=out[..., whole:, :])


def dot(ctx: Context, a: Array, b: Array, out: Array) -> Array:
    """Write a (rows, k) times b (k, n) to out, and return it.

    Where BLAS is kept in one thread, a product is taken in parts, and from `MUCH` multiply-adds on
    shared out along its longer side, so that each thread reads all of the smaller factor.
    """
    multiply_adds = a.size * b.shape[1]
    if multiply_adds <= PART or not single():
        return a.dot(b, out)  # it asks less before it begins than `matmul` does
    # Of a factor that lies column by column, parts would take up to twice as long as the whole.
    multiply: Callable[..., object] = product if b.flags.c_contiguous else np.matmul
    rows, columns = out.shape
    if multiply_adds < MUCH:
        multiply(a, b, out)
    elif rows >= columns:
        least = -(-LITTLE // b.size)
        share(ctx, rows, least, lambda _, some: multiply(a[some], b, out[some]))
    else:
        least = -(-LITTLE // a.size)
        share(ctx, columns, least, lambda _, some: multiply(a, b[:, some], out[:, some]))
    return out


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

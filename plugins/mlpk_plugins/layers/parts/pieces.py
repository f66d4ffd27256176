"""A matrix in pieces, each so small that BLAS multiplies by it as it lies."""

from __future__ import annotations

from mlpk.arrays import Array
from mlpk_plugins.layers.parts.products import PART


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

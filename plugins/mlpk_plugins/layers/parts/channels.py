"""Arithmetic with one number a channel, for arrays (n, positions, channels)."""

from __future__ import annotations

import numpy as np

from mlpk import Context
from mlpk.arrays import Array


def per_channel(ctx: Context, numbers: Array, x: Array) -> Array:
    """Return scratch (positions, channels) that holds (channels,) numbers at every position.

    NumPy's inner loop then runs over both axes, which few channels alone would keep too short.
    It lasts until the next call.
    """
    spread = ctx.empty("per_channel", x.shape[1:])
    spread[...] = numbers
    return spread


def channel_sums(ctx: Context, x: Array) -> Array:
    """Return the sum over rows and positions, (channels,), as products with ones: BLAS is faster."""
    n, positions, channels = x.shape
    ones = ctx.empty("ones", (max(n, positions),))
    ones.fill(1)
    rows = ctx.empty("channel_sums", (positions * channels,))
    np.matmul(ones[:n], x.reshape(n, positions * channels), out=rows)
    sums: Array = np.matmul(ones[:positions], rows.reshape(positions, channels))
    return sums

"""Arithmetic with one number a channel (last axis), over groups of positions.

An array is seen as (groups, group): a group is some positions with all of their channels, so that
NumPy's inner loop is long though channels are few. Numbers a channel are spread over a group.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mlpk import Context
from mlpk.arrays import Array

GROUP = 8192  # numbers, at most
FEW = 128  # positions: of fewer, each is a group


def grouped(x: Array, channels: int) -> Array:
    """Return an array in C order as (groups, group)."""
    positions = x.size // channels
    members = _members(positions, channels)
    return x.reshape(positions // members, members * channels)


def spread(ctx: Context, name: str, numbers: Array, x: Array) -> Array:
    """Return (channels,) numbers at every position of a group of x (groups, group): (group,)."""
    channels = len(numbers)
    if x.shape[1] == channels:
        return numbers
    group = ctx.empty(name, (x.shape[1] // channels, channels))
    np.copyto(group, numbers)
    return group.reshape(x.shape[1])


def two_sums(ctx: Context, a: Array, b: Array, channels: int) -> Array:
    """Return the sums over all positions of a and of b, (2, channels), until the next call.

    They are products with ones: BLAS is faster than a reduction.
    """
    groups, group = a.shape
    members = group // channels
    ones = ctx.empty("ones", (max(groups, members),))
    ones.fill(1)
    sums = ctx.empty("sums", (2, group))
    np.matmul(ones[:groups], a, out=sums[0])
    np.matmul(ones[:groups], b, out=sums[1])
    if members == 1:
        return sums
    totals = ctx.empty("totals", (2, channels))
    return np.matmul(ones[:members], sums.reshape(2, members, channels), out=totals)


@lru_cache(maxsize=256)
def _members(positions: int, channels: int) -> int:
    """Return how many positions make a group: all groups have the same number."""
    if positions < FEW:
        return 1
    most = max(1, min(positions // 16, GROUP // channels))
    return next(members for members in range(most, 0, -1) if positions % members == 0)

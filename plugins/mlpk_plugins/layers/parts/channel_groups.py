"""Arithmetic with one number a channel (last axis), over groups of positions.

An array is seen as (groups, group): a group is some positions with all of their channels, so that
NumPy's inner loop is long though channels are few. Numbers a channel are spread over a group.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain

import numpy as np

from mlpk import Context
from mlpk.arrays import Array

# Numbers that a group should have: what is broadcast to shorter ones NumPy copies to a buffer of that
# size first. It has fewer where no such number of positions divides all.
GROUP = 8192
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
    group[...] = numbers
    return group.reshape(x.shape[1])


def sums_of(ctx: Context, channels: int, *arrays: Array) -> Array:
    """Return the sums over all positions of each array, (arrays, channels).

    They are products with ones: BLAS is faster than a reduction, and `dot` calls it sooner than
    `matmul` does.
    """
    groups, group = arrays[0].shape
    members = group // channels
    ones = ctx.empty("ones", (max(groups, members),))
    ones.fill(1)
    sums = ctx.empty("sums", (len(arrays), group))
    for array, total in zip(arrays, sums, strict=True):
        np.dot(ones[:groups], array, out=total)
    if members == 1:
        return sums.copy()
    totals: Array = np.matmul(ones[:members], sums.reshape(-1, members, channels))
    return totals


@lru_cache(maxsize=256)
def _members(positions: int, channels: int) -> int:
    """Return how many positions make a group: all groups have the same number."""
    if positions < FEW:
        return 1
    enough = -(-GROUP // channels)
    sizes = chain(range(enough, 4 * enough), range(enough, 0, -1))
    return next(members for members in sizes if positions % members == 0)

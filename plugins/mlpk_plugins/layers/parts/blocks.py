"""Images block by block, for what is done to each number alone or summed."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import chain
from operator import add
from typing import TypeVar

from mlpk import Context
from mlpk.arrays import Array
from mlpk.workers import share

T = TypeVar("T", bound=Array | None)

IMAGES = 4  # axes
# Numbers, of which the next pass finds most in the cache. With fewer, threads wait too often for
# Python's lock, which they take in turn; to go over half of them takes longer than to hand them over.
BLOCK = 2**19


def by_block(ctx: Context, x: Array, work: Callable[..., T], *arrays: Array) -> T:
    """Return what work(ctx, *arrays) returns: of large images, of each block and added in order.

    `x` is what the layer was given. The arrays are as large, and cut along their first axis.
    Threads share images alone, as they do the convolutions beside them. Beside dense layers BLAS
    may have its threads, and shared work would take them away for the rest of the step.
    """
    if x.ndim < IMAGES or x.size < BLOCK:
        return work(ctx, *arrays)
    count = len(arrays[0])
    step = -(-BLOCK * count // x.size)

    def stretch(ctx: Context, mine: slice) -> list[T]:
        starts = range(mine.start, mine.stop, step)
        blocks = (slice(start, min(start + step, mine.stop)) for start in starts)
        return [work(ctx, *(array[block] for array in arrays)) for block in blocks]

    first, *others = chain.from_iterable(share(ctx, count, -(-step // 2), stretch))
    return first if first is None else reduce(add, others, first)

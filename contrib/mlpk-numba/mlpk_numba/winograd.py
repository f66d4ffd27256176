"""Convolution with kernels of 3 x 3 as products of small matrices, 16 in place of 36 for 4 places of y.

With y the 2 x 2 places of a tile, d the 4 x 4 of x that they see, and g the kernel's values for one
channel and filter, y = A' [sum over channels of (G g G') * (B' d B)] A, element by element. For all
tiles of a strip at once the sum is one matrix product for each of the 16 elements between brackets.
The gradient of g is G' [sum over tiles of (B' d B) * (A dy A')] G.

What is added to one element and taken from another rounds by the largest of d, would be nan if it were
infinite, and may be infinite where it is not itself: of such results the caller is told.

Lavin and Gray, Fast algorithms for convolutional neural networks, CVPR 2016, but for the signs of the
last row of B' and the last column of A'.
"""

from __future__ import annotations

import numpy as np
from mlpk import Context
from mlpk.arrays import Array
from numpy.lib.stride_tricks import as_strided

from mlpk_numba.compiled import compiled
from mlpk_numba.fill import fill
from mlpk_numba.frame import Sides
from mlpk_numba.kernel import shared
from mlpk_numba.product import write_products
from mlpk_numba.sandwich import sandwich
from mlpk_numba.sharing import share_out
from mlpk_numba.tile import VECTOR_BYTES
from mlpk_numba.winograd_tiles import join_tiles, spread_dy, spread_x

__all__ = ["convolve", "fits", "kernel_gradient"]

LEAST = 2**10  # channels times filters: with fewer, what is done to a tile is more than is spared
# Tiles of a strip, about, or one row of them: products are long enough, and mostly in the cache.
TILES = 32
# The gradient of a kernel is shared out by groups of channels and, where these are few, by blocks of
# images, whose gradients are summed apart and then joined, in order.
GROUP, PARTS = 64, 8
# Arrays of 16 matrices have a row more than they need: as many bytes from one to the next as a power
# of two, or nearly, would have all 16 drive each other out of the cache.
MORE = 1

_from_kernel = sandwich(((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)), 0, 0)  # G
_to_kernel = sandwich(((1, 0.5, 0.5, 0), (0, 0.5, -0.5, 0), (0, 0.5, 0.5, 1)), 0, 0)  # G'


def fits(kernel: Array, y: tuple[int, ...]) -> bool:
    """Tell whether a kernel (height, width, channels, filters) is one of these, and it pays for y."""
    height, width, channels, filters = kernel.shape
    lanes = VECTOR_BYTES // kernel.itemsize
    return (
        height == width == 3  # noqa: PLR2004 - what all of this is for
        and channels % lanes == filters % lanes == 0
        and channels * filters >= LEAST
        and min(y[1:3]) > 1  # else half of each tile is for nothing
    )


def convolve(ctx: Context, x: Array, sides: Sides, kernel: Array, bias: Array, y: Array) -> bool:
    """Write to y (n, rows, columns, filters) what windows of x give, with zeros on its sides.

    Return whether all of it are finite numbers.
    """
    _, _, channels, filters = kernel.shape
    spread = ctx.empty("spread kernel", (4, 4, channels + MORE, filters))
    _spread_kernel(kernel, spread)
    failed = ctx.empty("failed", (1,), "bool")
    failed[0] = False
    size, strips = _strips(*y.shape[1:3])
    arguments = strips, size, (sides[0][0], sides[1][0]), x, spread, bias, y, failed
    share_out(_convolve, len(y) * strips, 4 * channels * y.size, *arguments)
    return not failed[0]


def kernel_gradient(ctx: Context, x: Array, sides: Sides, dy: Array, dkernel: Array) -> bool:
    """Write the gradient of the kernel, and return whether all of it are finite numbers."""
    _, _, channels, filters = dkernel.shape
    groups = -(-channels // GROUP)
    blocks = max(1, min(len(dy), PARTS // groups))
    sums = ctx.empty("kernel gradients", (blocks, 4, 4, channels + MORE, filters))
    size, _ = _strips(*dy.shape[1:3])
    arguments = groups, size, (sides[0][0], sides[1][0]), x, dy, sums
    share_out(_add_gradients, blocks * groups, 4 * channels * dy.size, *arguments, each=PARTS)
    return _joined(sums, dkernel)


def _strips(rows: int, columns: int) -> tuple[int, int]:
    """Return how many rows of tiles are a strip, and how many strips an image."""
    down, across = (rows + 1) // 2, (columns + 1) // 2
    size = min(down, -(-TILES // across))
    return size, -(-down // size)


@compiled
def _spread_kernel(kernel: Array, spread: Array) -> None:
    """Write G g G' for each channel and filter."""
    for c in range(kernel.shape[2]):
        for f in range(0, kernel.shape[3], VECTOR_BYTES // kernel.itemsize):
            _from_kernel(kernel, (0, 0, c, f), spread, (0, 0, c, f))


@compiled
def _joined(sums: Array, dkernel: Array) -> bool:
    """Write G' (sum over blocks) G, and tell whether all of it are finite numbers."""
    joined = sums[0].reshape(-1)
    for block in range(1, len(sums)):
        more = sums[block].reshape(-1)
        for k in range(joined.size):
            joined[k] += more[k]
    for c in range(dkernel.shape[2]):
        for f in range(0, dkernel.shape[3], VECTOR_BYTES // dkernel.itemsize):
            _to_kernel(sums[0], (0, 0, c, f), dkernel, (0, 0, c, f))
    return _finite(dkernel.reshape(-1))


@shared
def _convolve(
    first: int,
    stop: int,
    strips: int,
    size: int,
    before: tuple[int, int],
    x: Array,
    spread: Array,
    bias: Array,
    y: Array,
    failed: Array,
) -> None:
    """Do the strips from `first` to `stop`, counted over all images; tell if one is not finite."""
    _, rows, columns, filters = y.shape
    down, across, channels = (rows + 1) // 2, (columns + 1) // 2, x.shape[3]
    seen = np.empty((4, 4, size * across + MORE, channels), y.dtype)
    sums = np.empty((4, 4, size * across + MORE, filters), y.dtype)
    begin = np.zeros((4, 4, 1, filters), y.dtype)
    begin[1, 1, 0] = bias  # which all four places of a tile get from there, once
    factors = spread.reshape(16, 1, -1, filters)[:, :, :channels]
    for strip in range(first, stop):
        n, at = divmod(strip, strips)
        low, high = at * size, min(down, (at + 1) * size)
        count = (high - low) * across
        spread_x(n, low, high, across, before, 0, x, seen)
        write_products(
            seen.reshape(16, -1, 1, channels),
            factors,
            np.broadcast_to(begin.reshape(16, 1, filters), (16, count, filters)),
            sums.reshape(16, -1, filters)[:, :count],
        )
        join_tiles(n, low, high, across, sums, y)
        if not _finite(y[n, 2 * low : 2 * high].reshape(-1)):
            failed[0] = True


@shared
def _add_gradients(
    first: int,
    stop: int,
    groups: int,
    size: int,
    before: tuple[int, int],
    x: Array,
    dy: Array,
    sums: Array,
) -> None:
    """Write sums over tiles, for the groups from `first` to `stop`, counted over all blocks."""
    blocks, filters = len(sums), dy.shape[3]
    down, across = (dy.shape[1] + 1) // 2, (dy.shape[2] + 1) // 2
    given = np.empty((4, 4, size * across + MORE, filters), dy.dtype)
    for part in range(first, stop):
        block, group = divmod(part, groups)
        start, end = group * GROUP, min(x.shape[3], (group + 1) * GROUP)
        seen = np.empty((4, 4, size * across + MORE, end - start), dy.dtype)
        matrices = sums[block].reshape(16, -1, filters)
        for k in range(16):
            fill(matrices[k, start:end].reshape(-1), 0)
        total = matrices[:, start:end]
        for n in range(len(dy) * block // blocks, len(dy) * (block + 1) // blocks):
            for low in range(0, down, size):
                high = min(down, low + size)
                count = (high - low) * across
                spread_x(n, low, high, across, before, start, x, seen)
                spread_dy(n, low, high, across, dy, given)
                _, matrix, tile, channel = seen.strides
                turned = as_strided(
                    seen, (16, end - start, 1, count), (matrix, channel, tile, tile)
                )
                factors = given.reshape(16, 1, -1, filters)[:, :, :count]
                write_products(turned, factors, total, total)


@compiled
def _finite(line: Array) -> bool:
    """Tell whether all are finite numbers: any other times 0 is nan."""
    total = line.dtype.type(0)
    for k in range(line.size):
        total += line[k] * 0
    return total == 0

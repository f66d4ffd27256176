"""What pools share: the largest of a window or of all places, and their mean.

Images are (n, height, width, channels); "rows" are (n, places, channels).
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from mlpk import Context
from mlpk.arrays import Array
from mlpk_plugins.layers.parts.axis import Axis
from mlpk_plugins.layers.parts.grid import PIECE, Grid


def largest(ctx: Context, grid: Grid, x: Array, y: Array) -> Array:
    """Write the largest of each window to y."""
    for images in grid.images(len(x), x[:1].nbytes):
        frame, part = grid.framed(ctx, x[images], -np.inf), y[images]
        np.copyto(part, grid.seen(frame, 0, 0))
        for i, j in islice(grid.offsets(), 1, None):
            np.maximum(part, grid.seen(frame, i, j), out=part)
    return y


def largest_gradient(ctx: Context, grid: Grid, x: Array, y: Array, dy: Array, dx: Array) -> Array:
    """Write dx: dy goes to the first place in each window that holds its largest, y."""
    for images in grid.images(len(x), x[:1].nbytes):
        # Padding that is nan equals no y, not even the -inf of a window that holds nothing else.
        frame, dframe = grid.framed(ctx, x[images], np.nan), grid.frame(ctx, "frame", dx[images])
        dframe.fill(0)
        left = ctx.empty("left", y[images].shape)
        np.copyto(left, dy[images])
        hit, share = ctx.empty("hit", left.shape, np.bool_), ctx.empty("share", left.shape)
        for i, j in grid.offsets():
            np.equal(grid.seen(frame, i, j), y[images], out=hit)
            np.multiply(left, hit, out=share)
            left -= share
            seen = grid.seen(dframe, i, j)
            seen += share
        if grid.padded:
            np.copyto(dx[images], grid.inside(dframe))
    return dx


def mean(ctx: Context, grid: Grid, x: Array, y: Array, *, count_pads: bool) -> Array:
    """Write the mean of each window to y; its padding is 0, and counts if `count_pads`."""
    weight = _one_over_count(ctx, grid, count_pads=count_pads)
    for images in grid.images(len(x), x[:1].nbytes):
        frame, part = grid.framed(ctx, x[images]), y[images]
        np.copyto(part, grid.seen(frame, 0, 0))
        for i, j in islice(grid.offsets(), 1, None):
            part += grid.seen(frame, i, j)
        part *= weight
    return y


def mean_gradient(ctx: Context, grid: Grid, dy: Array, dx: Array, *, count_pads: bool) -> Array:
    """Write dx: each place in a window has the same share of dy."""
    weight = _one_over_count(ctx, grid, count_pads=count_pads)
    for images in grid.images(len(dx), dx[:1].nbytes):
        dframe = grid.frame(ctx, "frame", dx[images])
        dframe.fill(0)
        share = np.multiply(dy[images], weight, out=ctx.empty("share", dy[images].shape))
        for i, j in grid.offsets():
            seen = grid.seen(dframe, i, j)
            seen += share
        if grid.padded:
            np.copyto(dx[images], grid.inside(dframe))
    return dx


def largest_row_gradient(
    ctx: Context, rows: Array, dy: Array, dx: Array, mask: Array | None = None
) -> Array:
    """Write dx, like rows: dy (n, channels) goes to the first place that holds the largest.

    With a mask (n, places), bool, only among places where it is true.
    """
    _, places, channels = rows.shape
    step = max(1, PIECE // rows[:1].nbytes)
    dx.fill(0)
    for start in range(0, len(rows), step):
        piece = slice(start, start + step)
        # `argmax` along any but the last axis would copy on its own, in memory of its own.
        across = ctx.empty("across", (len(rows[piece]), channels, places))
        np.copyto(across, rows[piece].swapaxes(1, 2))
        if mask is not None:
            np.copyto(across, -np.inf, where=_masked(ctx, mask[piece])[:, None])
        first = np.argmax(across, axis=2)
        np.put_along_axis(dx[piece], first[:, None], dy[piece, None], axis=1)
        if mask is not None:  # where no place is unmasked, the first was taken
            np.copyto(dx[piece], 0, where=_masked(ctx, mask[piece])[..., None])
    return dx


def _masked(ctx: Context, mask: Array) -> Array:
    return np.logical_not(mask, out=ctx.empty("masked", mask.shape, np.bool_))


def _one_over_count(ctx: Context, grid: Grid, *, count_pads: bool) -> Array | float:
    """Return what a window's sum is multiplied with: a number, or (rows, columns, 1) of them."""
    if count_pads or not grid.padded:
        return 1 / grid.elements
    down, across = (
        _inside(axis, before, length, outputs)
        for axis, (before, _), length, outputs in zip(
            grid.axes, grid.pads, grid.lengths, grid.outputs, strict=True
        )
    )
    weight: Array = (1 / np.outer(down, across)).astype(ctx.dtype)[..., None]
    return weight


def _inside(axis: Axis, before: int, length: int, outputs: int) -> Array:
    """Return how many elements of each window along an axis lie outside of the padding."""
    starts = np.arange(outputs) * axis.stride - before
    inside: Array = np.minimum(starts + axis.size, length) - np.maximum(starts, 0)
    return inside

"""What pools share: the largest of a window or of all places, and their mean.

Images are (n, height, width, channels); "rows" are (n, places, channels).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlpk import Context
from mlpk.arrays import Array
from mlpk_plugins.layers.parts.axis import Axis
from mlpk_plugins.layers.parts.grid import Grid, each_piece, fitting


def largest(ctx: Context, grid: Grid, x: Array, y: Array) -> Array:
    """Write the largest of each window to y."""

    def piece(ctx: Context, images: slice) -> None:
        _join(ctx, grid, np.maximum, grid.framed(ctx, x[images], -np.inf), y[images])

    each_piece(ctx, len(x), _image_bytes(x), piece)
    return y


def largest_gradient(ctx: Context, grid: Grid, x: Array, y: Array, dy: Array, dx: Array) -> Array:
    """Write dx: dy goes to the first place in each window that holds its largest, y."""

    def piece(ctx: Context, images: slice) -> None:
        # Padding that is nan equals no y, not even the -inf of a window that holds nothing else.
        frame, largest = grid.framed(ctx, x[images], np.nan), y[images]
        hit, found = (ctx.empty(name, largest.shape, np.bool_) for name in ("hit", "found"))
        found.fill(0)

        def give(i: int, j: int, out: Array) -> None:
            np.equal(grid.seen(frame, i, j), largest, out=hit)
            np.greater(hit, found, out=hit)  # and not found before
            np.logical_or(found, hit, out=found)
            np.multiply(dy[images], hit, out=out)

        _add_up(ctx, grid, dx[images], give)

    each_piece(ctx, len(x), _image_bytes(x), piece)
    return dx


def mean(ctx: Context, grid: Grid, x: Array, y: Array, *, count_pads: bool) -> Array:
    """Write the mean of each window to y; its padding is 0, and counts if `count_pads`."""
    weight = _one_over_count(ctx, grid, count_pads=count_pads)

    def piece(ctx: Context, images: slice) -> None:
        part = y[images]
        _join(ctx, grid, np.add, grid.framed(ctx, x[images]), part)
        part *= weight

    each_piece(ctx, len(x), _image_bytes(x), piece)
    return y


def mean_gradient(ctx: Context, grid: Grid, dy: Array, dx: Array, *, count_pads: bool) -> Array:
    """Write dx: each place in a window has the same share of dy."""
    weight = _one_over_count(ctx, grid, count_pads=count_pads)

    def piece(ctx: Context, images: slice) -> None:
        _add_up(ctx, grid, dx[images], lambda _i, _j, out: np.multiply(dy[images], weight, out=out))

    each_piece(ctx, len(dx), _image_bytes(dx), piece)
    return dx


def _join(ctx: Context, grid: Grid, join: np.ufunc, frame: Array, y: Array) -> None:
    """Write to y what `join` makes of each window: of its rows first, which are long in memory."""
    down, across = grid.axes
    rows = [grid.seen_down(frame, i) for i in range(down.size)]
    if down.size > 1 and across.size > 1:
        rows = [_joined(join, rows, ctx.empty("rows", rows[0].shape))]
    _joined(join, [grid.seen_across(each, j) for each in rows for j in range(across.size)], y)


def _joined(join: np.ufunc, parts: list[Array], out: Array) -> Array:
    if len(parts) == 1:
        np.copyto(out, parts[0])
        return out
    join(parts[0], parts[1], out=out)
    for part in parts[2:]:
        join(out, part, out=out)
    return out


def _add_up(ctx: Context, grid: Grid, dx: Array, give: Callable[[int, int, Array], object]) -> None:
    """Write dx, the sum of what windows give their places; `give` writes that of (i, j)."""
    frame = grid.frame(ctx, "frame", dx)
    if not grid.tiled:
        frame.fill(0)
    for i, j in grid.offsets():
        seen = grid.seen(frame, i, j)
        if grid.apart:
            give(i, j, seen)
        else:
            given = ctx.empty("given", seen.shape)
            give(i, j, given)
            seen += given
    if grid.padded:
        np.copyto(dx, grid.inside(frame))


def _image_bytes(x: Array) -> int:
    """Return the bytes that an image takes with its gradient and what is computed of both."""
    return 4 * x[:1].nbytes


def largest_row_gradient(
    ctx: Context, rows: Array, dy: Array, dx: Array, mask: Array | None = None
) -> Array:
    """Write dx, like rows: dy (n, channels) goes to the first place that holds the largest.

    With a mask (n, places), bool, only among places where it is true.
    """
    _, places, channels = rows.shape
    step = fitting(_image_bytes(rows))
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

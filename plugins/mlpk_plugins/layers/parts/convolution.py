"""Convolution as matrix products over windows laid out as rows, piece by piece.

A piece is a few images, or a few rows of one, so that its windows stay in the cache; several
threads are at it at once. Where windows overlap downwards and their products need no packing, a
column of windows is one strip of memory, which takes a third of the copying for a 3 x 3 kernel. A
kernel comes as it is declared, (kh, kw, c_in / groups, c_out), or as matrices (groups, kh * kw *
c_in / groups, c_out / groups).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlpk import Context
from mlpk.arrays import Array
from mlpk.workers import share
from mlpk_plugins.layers.parts.grid import Grid, each_piece, fitting
from mlpk_plugins.layers.parts.kernel import by_input, matrices
from mlpk_plugins.layers.parts.products import part, product
from mlpk_plugins.layers.parts.strips import framed_strips

# Handing work to a thread pays from a quarter of a piece on.
SHARED = 4
# With more filters than this for each channel, windows of dy take longer than those of x and the
# sum over where they have lain.
WIDER = 2
# Rows that are worth adding a product up for, which is of a kernel's size.
SUMMED = 192
# Rows of fewer windows are multiplied together with others.
NARROW = 8


def convolve(ctx: Context, grid: Grid, x: Array, kernel: Array, y: Array) -> Array:
    """Write the convolution of x (n, height, width, c_in) to y (n, rows, columns, c_out)."""
    in_strips = _serve_strips(grid, kernel)

    def stretch(ctx: Context, rows: slice) -> None:
        if in_strips:
            _convolve_strips(ctx, grid, x, kernel, y, rows)
        else:
            for columns, place in _columns(ctx, grid, x, len(kernel), rows):
                product(columns, kernel, _by_group(y[place], len(kernel)))

    share(ctx, len(x) * grid.outputs[0], fitting(SHARED * _row_bytes(grid, x)), stretch)
    return y


def gradients(
    ctx: Context, grid: Grid, x: Array, dy: Array, weight: Array, dweight: Array, dx: Array | None
) -> Array | None:
    """Write dweight and, unless nobody reads it, dx, which is returned; both kernels as declared."""
    channels, filters = weight.shape[-2:]
    groups = x.shape[-1] // channels
    if all(axis.stride == 1 for axis in grid.axes) and filters <= WIDER * x.shape[-1]:
        return _turned_gradients(ctx, grid, x, dy, weight, dweight, dx)
    kernel_gradient(ctx, grid, x, dy, matrices(dweight, groups))
    return None if dx is None else spread(ctx, grid, dy, matrices(weight, groups), dx)


def _turned_gradients(
    ctx: Context, grid: Grid, x: Array, dy: Array, weight: Array, dweight: Array, dx: Array | None
) -> Array | None:
    """Do what `gradients` does, where strides are 1.

    dx is the convolution of dy with the kernel turned by half a circle, and dweight[i, j] sums x
    times what the turned kernel's element (i, j) sees of dy: the same windows serve both.
    """
    groups, grid = x.shape[-1] // weight.shape[-2], grid.turned
    turned = ctx.contiguous("turned", _turned(weight, groups))
    _, elements, filters, channels = turned.shape

    def stretch(ctx: Context, rows: slice) -> Array:
        total, addend = _sum_and_addend(ctx, turned.shape)
        for columns, place in _columns(ctx, grid, dy, groups, rows):
            if dx is not None:
                kernel = turned.reshape(groups, elements * filters, channels)
                product(columns, kernel, _by_group(dx[place], groups))
            seen = columns.reshape(groups, -1, elements, filters).transpose(0, 2, 3, 1)
            given = _by_group(ctx.contiguous("given", x[place]), groups)[:, None]
            step = part(filters * channels, SUMMED) or given.shape[2]
            for start in range(0, given.shape[2], step):
                places = slice(start, start + step)
                total += np.matmul(seen[..., places], given[:, :, places], out=addend)
        return total

    least = fitting(SHARED * _row_bytes(grid, dy))
    totals = share(ctx, len(x) * grid.outputs[0], least, stretch)
    np.copyto(_turned(dweight, groups), _added(totals))
    return dx


def kernel_gradient(ctx: Context, grid: Grid, x: Array, dy: Array, dkernel: Array) -> None:
    """Write the matrices' gradient: the windows of x, times dy, summed over images and places."""

    def stretch(ctx: Context, rows: slice) -> Array:
        total, addend = _sum_and_addend(ctx, dkernel.shape)
        for columns, place in _columns(ctx, grid, x, len(dkernel), rows):
            given = _by_group(dy[place], len(dkernel))
            total += np.matmul(columns.transpose(0, 2, 1), given, out=addend)
        return total

    least = fitting(SHARED * _row_bytes(grid, x))
    np.copyto(dkernel, _added(share(ctx, len(x) * grid.outputs[0], least, stretch)))


def spread(ctx: Context, grid: Grid, dy: Array, kernel: Array, dx: Array) -> Array:
    """Write the adjoint of `convolve` to dx: what each window gives, added where it has lain."""
    groups, _, filters = kernel.shape
    by_element = kernel.reshape(groups, grid.elements, -1, filters).transpose(1, 0, 3, 2)
    row_bytes = _row_bytes(grid, dx)

    def piece(ctx: Context, images: slice) -> None:
        frame = grid.frame(ctx, "frame", dx[images])
        frame.fill(0)
        for rows in grid.bands(row_bytes):
            part = dy[images, rows]
            planes = ctx.empty("planes", (grid.elements, *part.shape[:3], dx.shape[-1]))
            out = planes.reshape(grid.elements, -1, groups, dx.shape[-1] // groups)
            np.matmul(_by_group(part, groups), by_element, out=out.swapaxes(1, 2))
            for (i, j), plane in zip(grid.offsets(), planes, strict=True):
                seen = grid.seen(frame, i, j, rows)
                seen += plane
        if grid.padded:
            np.copyto(dx[images], grid.inside(frame))

    each_piece(ctx, len(dx), row_bytes * grid.outputs[0], piece)
    return dx


def _columns(
    ctx: Context, grid: Grid, x: Array, groups: int, rows: slice
) -> Iterator[tuple[Array, tuple[slice, slice]]]:
    """Yield (groups, windows, kh * kw * c_in / groups), and the images and rows of the windows.

    `rows` says which rows of windows, counted through all images.
    """
    channels = x.shape[-1] // groups
    for images, pieces in grid.pieces(rows, _row_bytes(grid, x)):
        windows = grid.windows(grid.framed(ctx, x[images]))
        parted = windows.reshape(*windows.shape[:-1], groups, channels)
        by_group = parted.transpose(5, 0, 1, 2, 3, 4, 6)
        for piece in pieces:
            columns = ctx.contiguous("columns", by_group[:, :, piece])
            yield columns.reshape(groups, -1, grid.elements * channels), (images, piece)


def _serve_strips(grid: Grid, kernel: Array) -> bool:
    """Whether products of single rows of windows are as fast as those of many."""
    down, columns = grid.axes[0], grid.outputs[1]
    overlap = down.dilation == 1 and down.stride < down.size
    return overlap and columns >= NARROW and part(kernel[0].size) is not None


def _convolve_strips(
    ctx: Context, grid: Grid, x: Array, kernel: Array, y: Array, rows: slice
) -> None:
    """Do what `convolve` does, for these rows of windows."""
    down, each = grid.axes[0], kernel[:, None, None]
    # Twice: for the frame too, and for the rows that two pieces need.
    pieces = grid.pieces(rows, 2 * _row_bytes(grid, x) * down.stride // down.size)
    for images, inside, its in framed_strips(ctx, grid, pieces, len(kernel), x.shape[-1], y):
        inside[...] = x[images]
        for seen, strips, windows, out in its:
            strips[...] = seen
            product(windows, each, out)


def _row_bytes(grid: Grid, x: Array) -> int:
    """Return the bytes that a row of windows takes."""
    return grid.outputs[1] * grid.elements * int(x.shape[-1]) * x.itemsize


def _by_group(y: Array, groups: int) -> Array:
    """Return (n, rows, columns, channels) as (groups, places, channels / groups), a view."""
    return y.reshape(-1, groups, y.shape[-1] // groups).swapaxes(0, 1)


def _turned(weight: Array, groups: int) -> Array:
    """Return a kernel as `by_input` does, turned by half a circle: a view."""
    return by_input(weight, groups)[:, ::-1]


def _sum_and_addend(ctx: Context, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return memory for a sum, 0 so far, and for what is next added to it."""
    total = ctx.empty("sum", shape)
    total.fill(0)
    return total, ctx.empty("addend", shape)


def _added(totals: list[Array]) -> Array:
    """Return the sum of arrays, in the first one's memory."""
    first, *others = totals
    for other in others:
        first += other
    return first

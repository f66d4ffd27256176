"""Convolution as matrix products over windows laid out as rows, piece by piece.

A kernel comes as matrices (groups, kh * kw * c_in / groups, c_out / groups), see `matrices`; a
piece is a few images, or a few rows of one, so that its windows stay in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from mlpk import Context, Initializer, Param, ShapeError
from mlpk.arrays import Array
from mlpk_plugins.layers.parts.contiguous import contiguous
from mlpk_plugins.layers.parts.grid import Grid


def kernel_param(
    window: tuple[int, ...], channels: int, filters: int, groups: int, init: Initializer | str
) -> Param:
    """Return the declaration of a kernel (*window, channels / groups, filters), fans per group."""
    for what, count in (("channels", channels), ("filters", filters)):
        if count % groups:
            raise ShapeError(
                f"wanted {what} that can be parted into {groups} groups, found {count} {what}; "
                f"take a number of groups that divides {count}"
            )
    area, c_in = prod(window), channels // groups
    fans = area * c_in, area * filters // groups
    return Param((*window, c_in, filters), init, fans=fans)


def matrices(kernel: Array, groups: int) -> Array:
    """Return a kernel (..., c_in / groups, c_out) as one matrix a group, without copying."""
    rows, filters = prod(kernel.shape[:-1]), kernel.shape[-1]
    return kernel.reshape(rows, groups, filters // groups).transpose(1, 0, 2)


def by_input(kernel: Array, groups: int) -> Array:
    """Return a kernel (kh, kw, c_in / groups, c_out) as (groups, kh kw, c_out / groups, c_in / groups)."""
    kh, kw, channels, filters = kernel.shape
    return kernel.reshape(kh * kw, channels, groups, filters // groups).transpose(2, 0, 3, 1)


def adjoint_matrices(ctx: Context, kernel: Array, groups: int) -> Array:
    """Return a kernel (kh, kw, c_in / groups, c_out) as that of a convolution from c_out to c_in."""
    parts = contiguous(ctx, "adjoint", by_input(kernel, groups))
    return parts.reshape(groups, -1, parts.shape[-1])


def convolve(ctx: Context, grid: Grid, x: Array, kernel: Array, y: Array) -> Array:
    """Write the convolution of x (n, height, width, c_in) to y (n, rows, columns, c_out)."""
    for columns, place in _columns(ctx, grid, x, len(kernel)):
        np.matmul(columns, kernel, out=_by_group(y[place], len(kernel)))
    return y


def kernel_gradient(ctx: Context, grid: Grid, x: Array, dy: Array, dkernel: Array) -> None:
    """Write the kernel's gradient: the windows of x, times dy, summed over images and places."""
    dkernel.fill(0)
    part = ctx.empty("kernel_part", dkernel.shape)
    for columns, place in _columns(ctx, grid, x, len(dkernel)):
        np.matmul(columns.transpose(0, 2, 1), _by_group(dy[place], len(dkernel)), out=part)
        dkernel += part


def spread(ctx: Context, grid: Grid, dy: Array, kernel: Array, dx: Array) -> Array:
    """Write the adjoint of `convolve` to dx: what each window gives, added where it has lain."""
    groups, _, filters = kernel.shape
    by_element = kernel.reshape(groups, grid.elements, -1, filters).transpose(1, 0, 3, 2)
    row_bytes = grid.outputs[1] * grid.elements * dx.shape[-1] * dx.itemsize
    for images in grid.images(len(dx), row_bytes * grid.outputs[0]):
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
    return dx


def _columns(
    ctx: Context, grid: Grid, x: Array, groups: int
) -> Iterator[tuple[Array, tuple[slice, slice]]]:
    """Yield (groups, windows, kh * kw * c_in / groups), and the images and rows of the windows."""
    channels = x.shape[-1]
    row_bytes = grid.outputs[1] * grid.elements * channels * x.itemsize
    for images in grid.images(len(x), row_bytes * grid.outputs[0]):
        frame = grid.framed(ctx, x[images])
        for rows in grid.bands(row_bytes):
            windows = grid.windows(frame, rows)
            parted = windows.reshape(*windows.shape[:-1], groups, channels // groups)
            columns = contiguous(ctx, "columns", np.moveaxis(parted, -2, 0))
            yield columns.reshape(groups, -1, grid.elements * channels // groups), (images, rows)


def _by_group(y: Array, groups: int) -> Array:
    """Return (n, rows, columns, channels) as (groups, places, channels / groups), a view."""
    return y.reshape(-1, groups, y.shape[-1] // groups).swapaxes(0, 1)

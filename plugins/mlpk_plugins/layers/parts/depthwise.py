"""Convolution of each channel on its own, as products and sums over shifted images.

A kernel comes as (kh * kw, channels * multiplier); output c * multiplier + k belongs to channel c.
The multiplier repeats channels as images are framed; from there on it is one to one.
"""

from __future__ import annotations

import numpy as np

from mlpk import Context
from mlpk.arrays import Array
from mlpk_plugins.layers.parts.channels import channel_sums, per_channel
from mlpk_plugins.layers.parts.grid import Grid, each_piece, some_images

# What is held at once has about so many times the size of the output.
IMAGES = 4


def convolve_each(ctx: Context, grid: Grid, x: Array, kernel: Array, y: Array) -> Array:
    """Write the convolution of x (n, height, width, channels) to y (n, rows, columns, outputs)."""

    def piece(ctx: Context, images: slice) -> None:
        frame, part = grid.framed(ctx, _repeated(ctx, x[images], y.shape[-1])), y[images]
        part.fill(0)
        share = ctx.empty("share", part.shape)
        for (i, j), weight in zip(grid.offsets(), kernel, strict=True):
            np.multiply(grid.seen(frame, i, j), per_channel(ctx, weight, y[0]), out=share)
            part += share

    each_piece(ctx, len(x), IMAGES * y[:1].nbytes, piece)
    return y


def each_kernel_gradient(ctx: Context, grid: Grid, x: Array, dy: Array, dkernel: Array) -> None:
    """Write the kernel's gradient: what each of its elements has seen, times dy, summed."""
    dkernel.fill(0)
    for images in some_images(slice(0, len(x)), IMAGES * dy[:1].nbytes):
        frame = grid.framed(ctx, _repeated(ctx, x[images], dy.shape[-1]))
        share = ctx.empty("share", dy[images].shape)
        rows = share.reshape(len(share), -1, dy.shape[-1])
        for place, (i, j) in enumerate(grid.offsets()):
            np.multiply(grid.seen(frame, i, j), dy[images], out=share)
            dkernel[place] += channel_sums(ctx, rows)


def spread_each(ctx: Context, grid: Grid, dy: Array, kernel: Array, dx: Array) -> Array:
    """Write the adjoint of `convolve_each` to dx."""
    outputs = dy.shape[-1]

    def piece(ctx: Context, images: slice) -> None:
        part = dx[images]
        whole = ctx.empty("whole", (*part.shape[:3], outputs))
        frame = grid.frame(ctx, "frame", whole)
        frame.fill(0)
        share = ctx.empty("share", dy[images].shape)
        for (i, j), weight in zip(grid.offsets(), kernel, strict=True):
            np.multiply(dy[images], per_channel(ctx, weight, dy[0]), out=share)
            seen = grid.seen(frame, i, j)
            seen += share
        inside = grid.inside(frame)
        np.sum(inside.reshape(*part.shape, outputs // part.shape[-1]), axis=-1, out=part)

    each_piece(ctx, len(dx), IMAGES * dy[:1].nbytes, piece)
    return dx


def _repeated(ctx: Context, x: Array, outputs: int) -> Array:
    """Return x with each channel as often as it has outputs; `x` itself if that is once."""
    channels = x.shape[-1]
    if outputs == channels:
        return x
    repeated = ctx.empty("repeated", (*x.shape[:3], outputs))
    np.copyto(repeated.reshape(*x.shape, outputs // channels), x[..., None])
    return repeated

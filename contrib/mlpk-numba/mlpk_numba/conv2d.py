"""Convolution over images, without laying windows out: a window's rows lie in one piece as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads, frozen_view

from mlpk_numba.column_sums import column_sums
from mlpk_numba.frame import framed, plain
from mlpk_numba.kernel import shared
from mlpk_numba.product import panel, width_of, write_product
from mlpk_numba.sharing import share_out
from mlpk_numba.tile import VECTOR_BYTES
from mlpk_numba.windows import axes

__all__ = ["backward", "forward", "serves"]

BLOCK = 16  # places of a kernel whose gradient is taken together, at least: two tiles
ONCE = ((1, 1), 1)  # a number for both axes, either way


def serves(conv: Any, shapes: tuple[tuple[int | None, ...]], dtype: np.dtype[Any]) -> bool:
    """Tell whether windows lie next to each other, undivided, and channels and filters fill vectors.

    Below a vector there is nothing to fill, and windows spare enough, but for a single filter;
    padding as wide as a window would give dx none.
    """
    if (
        conv.filters == 1
        or conv.groups != 1
        or conv.strides not in ONCE
        or conv.dilation not in ONCE
    ):
        return False
    lanes = VECTOR_BYTES // dtype.itemsize
    fill = all(
        n is not None and (n <= lanes or n % lanes == 0) for n in (shapes[0][-1], conv.filters)
    )
    return fill and all(max(axis.sides) < axis.size for axis in axes(conv, 1, 1))


def forward(conv: Any, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Any]:
    """Return the sums over windows of x times the kernel."""
    down, across = axes(conv, *x.shape[1:3])
    if not (down.outputs and across.outputs):
        return conv.forward(arrays, ctx, x)  # type: ignore[no-any-return] # which refuses it
    frame = framed(ctx, "frame", x, (*down.sides, *across.sides))
    bias = arrays["bias"] if conv.bias else _zeros(ctx, conv.filters)
    y = ctx.empty("y", (len(x), down.outputs, across.outputs, conv.filters))
    return _convolved(frame, arrays["weight"], bias, y), (frame, down, across)


def backward(
    conv: Any, arrays: Arrays, ctx: Context, saved: Any, doutput: Array, grads: Grads
) -> Array | None:
    """Write the gradients of kernel and bias, and return dx: dy, framed, times the turned kernel."""
    frame, down, across = saved
    kernel = arrays["weight"]
    height, width, channels, filters = kernel.shape
    dy = plain(ctx, "dy", doutput)
    dkernel = grads["weight"].reshape(height, width * channels, filters)
    work = dy.size // filters * kernel.size
    blocks = max(1, width * channels // BLOCK)
    given = blocks, _windows(frame, kernel), dy, dkernel
    share_out(_kernel_gradient, height * blocks, work, *given, each=1)
    if conv.bias:
        column_sums(dy.reshape(-1, filters), grads["bias"])
    if not ctx.needs_input_grad[0]:
        return None
    turned = ctx.empty("turned", (height, width, filters, channels))
    np.copyto(turned, kernel[::-1, ::-1].swapaxes(2, 3))
    dframe = framed(ctx, "dframe", dy, (*down.sides_back, *across.sides_back))
    dx = ctx.empty("dx", (len(dy), down.length, across.length, channels))
    return _convolved(dframe, turned, _zeros(ctx, channels), dx)


def _convolved(frame: Array, kernel: Array, bias: Array, y: Array) -> Array:
    """Write to y (n, rows, columns, filters) what the windows of the frame give, and return it."""
    height, width, channels, filters = kernel.shape
    rows = frozen_view(kernel.reshape(height, width * channels, filters))
    work = y.size // filters * kernel.size
    everywhere = _view(y.shape[1:], bias, (0, 0, bias.itemsize))
    share_out(_convolve, len(y) * y.shape[1], work, _windows(frame, kernel), rows, everywhere, y)
    return y


def _zeros(ctx: Context, count: int) -> Array:
    zeros = ctx.empty("zeros", (count,))
    zeros.fill(0)
    return zeros


def _windows(frame: Array, kernel: Array) -> Array:
    """Return a view (n, rows, columns, height, width * channels) of all windows."""
    height, width = kernel.shape[:2]
    n, down, across, channels = frame.shape
    # Not `frame.strides`: an axis of length 1 may have any.
    item = frame.itemsize
    pixel = channels * item
    row = across * pixel
    image = down * row
    shape = n, down - height + 1, across - width + 1, height, width * channels
    return _view(shape, frame, (image, row, pixel, row, item))


def _view(shape: tuple[int, ...], of: Array, strides: tuple[int, ...]) -> Array:
    view: Array = np.ndarray(shape, of.dtype, of, 0, strides)
    view.flags.writeable = False
    return view


@shared
def _convolve(first: int, stop: int, windows: Array, kernel: Array, bias: Array, y: Array) -> None:
    """Do the rows of y from `first` to `stop`, counted over all images."""
    rows, filters = y.shape[1], y.shape[3]
    width = width_of(y)
    for n in range(first // rows, (stop + rows - 1) // rows):
        low, high = max(0, first - n * rows), min(rows, stop - n * rows)
        for start in range(0, filters, width):
            some = slice(start, start + width)
            write_product(
                windows[n, low:high],
                panel(kernel, start),
                bias[low:high, :, some],
                y[n, low:high, :, some],
            )


@shared
def _kernel_gradient(
    first: int, stop: int, blocks: int, windows: Array, dy: Array, dkernel: Array
) -> None:
    """Do blocks from `first` to `stop` of dkernel (height, width * channels, filters).

    Each of its rows has so many. An image serves all of them, one after the other, from the cache.
    """
    places, width = dkernel.shape[1], width_of(dy)
    for block in range(first, stop):
        row, at = divmod(block, blocks)
        dkernel[row, places * at // blocks : places * (at + 1) // blocks] = 0
    for n in range(len(dy)):
        seen = windows[n].transpose(2, 3, 0, 1)
        for start in range(0, dy.shape[3], width):
            columns = panel(dy[n], start)
            for block in range(first, stop):
                row, at = divmod(block, blocks)
                some = slice(places * at // blocks, places * (at + 1) // blocks)
                sums = dkernel[row : row + 1, some, start : start + width]
                write_product(seen[row : row + 1, some], columns, sums, sums)

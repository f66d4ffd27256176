"""Convolution over images, without laying windows out: a window's rows lie in one piece as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads, frozen_view

from mlpk_numba.column_sums import column_sums
from mlpk_numba.compiled import compiled
from mlpk_numba.crew import share_out
from mlpk_numba.frame import framed
from mlpk_numba.in_order import in_order
from mlpk_numba.product import add_product, panel, width_of
from mlpk_numba.tile import VECTOR_BYTES
from mlpk_numba.windows import axes

__all__ = ["backward", "forward", "serves"]

ONCE = ((1, 1), 1)  # a number for both axes, either way


def serves(conv: Any, shapes: tuple[tuple[int | None, ...]], dtype: np.dtype[Any]) -> bool:
    """Tell whether windows lie next to each other, undivided, and channels and filters fill vectors.

    Below a vector there is nothing to fill, and windows spare enough; padding as wide as a window
    would give dx none.
    """
    if conv.groups != 1 or conv.strides not in ONCE or conv.dilation not in ONCE:
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
    dy = in_order(ctx, "dy", doutput)
    dkernel = grads["weight"].reshape(height, width * channels, filters)
    work = height * width * frame.nbytes
    share_out(
        _kernel_gradient, height * width * channels, work, _windows(frame, kernel), dy, dkernel
    )
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
    windows, work = _windows(frame, kernel), height * width * frame.nbytes
    share_out(_convolve, len(y) * y.shape[1], work, windows, rows, frozen_view(bias), y)
    return y


def _zeros(ctx: Context, count: int) -> Array:
    zeros = ctx.empty("zeros", (count,))
    zeros.fill(0)
    return zeros


def _windows(frame: Array, kernel: Array) -> Array:
    """Return a view (n, rows, columns, height, width * channels) of all windows."""
    height, width = kernel.shape[:2]
    n, down, across, channels = frame.shape
    image, row, pixel, item = frame.strides
    shape = n, down - height + 1, across - width + 1, height, width * channels
    view: Array = np.ndarray(shape, frame.dtype, frame, 0, (image, row, pixel, row, item))
    view.flags.writeable = False
    return view


@compiled
def _convolve(first: int, stop: int, windows: Array, kernel: Array, bias: Array, y: Array) -> None:
    """Do the rows of y from `first` to `stop`, counted over all images."""
    rows, filters = y.shape[1], y.shape[3]
    width = width_of(y)
    for n in range(first // rows, (stop + rows - 1) // rows):
        low, high = max(0, first - n * rows), min(rows, stop - n * rows)
        for p in range(low, high):
            for q in range(y.shape[2]):
                for f in range(filters):
                    y[n, p, q, f] = bias[f]
        for start in range(0, filters, width):
            part = panel(kernel, start)
            for p in range(low, high):
                add_product(windows[n, p], part, y[n, p, :, start : start + width])


@compiled
def _kernel_gradient(first: int, stop: int, windows: Array, dy: Array, dkernel: Array) -> None:
    """Do the rows of dkernel (height, width * channels, filters) from `first` to `stop`."""
    _, length, filters = dkernel.shape
    width = width_of(dy)
    for row in range(first, stop):
        for f in range(filters):
            dkernel[row // length, row % length, f] = 0
    for n in range(len(dy)):
        for start in range(0, filters, width):
            part = panel(dy[n], start)
            for i in range(first // length, (stop + length - 1) // length):
                low, high = max(0, first - i * length), min(length, stop - i * length)
                across = windows[n, :, :, i, low:high].transpose(2, 0, 1)
                add_product(across, part, dkernel[i, low:high, start : start + width])

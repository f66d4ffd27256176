"""Convolution over images: of tiles where that takes fewer products, else of windows as they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads, frozen_view

from mlpk_numba import direct, winograd
from mlpk_numba.column_sums import column_sums
from mlpk_numba.frame import Sides, framed, plain
from mlpk_numba.tile import VECTOR_BYTES
from mlpk_numba.windows import axes

__all__ = ["backward", "forward", "serves"]

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
    bias = arrays["bias"] if conv.bias else _zeros(ctx, conv.filters)
    y = ctx.empty("y", (len(x), down.outputs, across.outputs, conv.filters))
    sides = down.sides, across.sides
    given = plain(ctx, "x", x)
    frame = _convolve(ctx, "x", given, sides, arrays["weight"], bias, y)
    return y, (given, frame, down, across)


def backward(
    conv: Any, arrays: Arrays, ctx: Context, saved: Any, doutput: Array, grads: Grads
) -> Array | None:
    """Write the gradients of kernel and bias, and return dx: dy times the turned kernel."""
    x, frame, down, across = saved
    kernel = arrays["weight"]
    height, width, channels, filters = kernel.shape
    dy = plain(ctx, "dy", doutput)
    sides = down.sides, across.sides
    if frame is None and not winograd.kernel_gradient(ctx, x, sides, dy, grads["weight"]):
        frame = framed(ctx, "x, framed", x, sides)
    if frame is not None:
        direct.kernel_gradient(frame, dy, grads["weight"])
    if conv.bias:
        column_sums(dy.reshape(-1, filters), grads["bias"])
    if not ctx.needs_input_grad[0]:
        return None
    turned = ctx.empty("turned", (height, width, filters, channels))
    np.copyto(turned, kernel[::-1, ::-1].swapaxes(2, 3))
    dx = ctx.empty("dx", x.shape)
    sides_back = down.sides_back, across.sides_back
    _convolve(ctx, "dy", dy, sides_back, turned, _zeros(ctx, channels), dx)
    return dx


def _convolve(
    ctx: Context, name: str, x: Array, sides: Sides, kernel: Array, bias: Array, y: Array
) -> Array | None:
    """Write to y what windows of x give, with zeros on its sides: by tiles, if they fit.

    Return x as it was framed for windows, if it was.
    """
    kernel, bias = frozen_view(kernel), frozen_view(bias)
    if winograd.fits(kernel, y.shape) and winograd.convolve(ctx, x, sides, kernel, bias, y):
        return None
    frame = framed(ctx, f"{name}, framed", x, sides)
    direct.convolve(frame, kernel, bias, y)
    return frame


def _zeros(ctx: Context, count: int) -> Array:
    zeros = ctx.empty("zeros", (count,))
    zeros.fill(0)
    return zeros

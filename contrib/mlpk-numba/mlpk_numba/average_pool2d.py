"""Average pooling over images."""

from __future__ import annotations

from typing import Any

from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_numba.compiled import compiled
from mlpk_numba.crew import share_out
from mlpk_numba.in_order import in_order
from mlpk_numba.windows import axes

__all__ = ["backward", "forward"]


def forward(pool: Any, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Any]:
    """Return the mean of each window."""
    down, across = axes(pool, *x.shape[1:3])
    if not (down.outputs and across.outputs):
        return pool.forward(arrays, ctx, x)  # type: ignore[no-any-return] # which refuses it
    y = ctx.empty("y", (len(x), down.outputs, across.outputs, x.shape[-1]))
    windows = down, across, pool.count_include_pad
    share_out(_mean, len(x), x.nbytes, in_order(ctx, "x", x), *windows, y)
    return y, x.shape


def backward(
    pool: Any, arrays: Arrays, ctx: Context, shape: Any, dy: Array, grads: Grads
) -> Array | None:
    """Return dx: each place in a window has the same share of its dy."""
    if not ctx.needs_input_grad[0]:
        return None
    dx = ctx.empty("dx", shape)
    windows = *axes(pool, *shape[1:3]), pool.count_include_pad
    share_out(_go_back, len(dx), dx.nbytes, in_order(ctx, "dy", dy), *windows, dx)
    return dx


@compiled
def _mean(
    first: int, stop: int, x: Array, down: Any, across: Any, count_pads: bool, y: Array
) -> None:
    for n in range(first, stop):
        for p in range(y.shape[1]):
            for q in range(y.shape[2]):
                top, left = p * down.stride - down.before, q * across.stride - across.before
                high, low = max(0, -top), min(down.size, down.length - top)
                near, far = max(0, -left), min(across.size, across.length - left)
                count = down.size * across.size if count_pads else (low - high) * (far - near)
                one_over_count, mean = y.dtype.type(1 / count), y[n, p, q]
                mean[:] = 0
                for i in range(high, low):
                    for j in range(near, far):
                        here = x[n, top + i, left + j]
                        for c in range(mean.size):
                            mean[c] += here[c]
                for c in range(mean.size):
                    mean[c] *= one_over_count


@compiled
def _go_back(
    first: int, stop: int, dy: Array, down: Any, across: Any, count_pads: bool, dx: Array
) -> None:
    for n in range(first, stop):
        dx[n] = 0
        for p in range(dy.shape[1]):
            for q in range(dy.shape[2]):
                top, left = p * down.stride - down.before, q * across.stride - across.before
                high, low = max(0, -top), min(down.size, down.length - top)
                near, far = max(0, -left), min(across.size, across.length - left)
                count = down.size * across.size if count_pads else (low - high) * (far - near)
                one_over_count, given = dx.dtype.type(1 / count), dy[n, p, q]
                for i in range(high, low):
                    for j in range(near, far):
                        here = dx[n, top + i, left + j]
                        for c in range(given.size):
                            here[c] += given[c] * one_over_count

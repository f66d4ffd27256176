"""ReLU, each way in one pass."""

from __future__ import annotations

from typing import Any

from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_numba.kernel import shared
from mlpk_numba.sharing import share_out

__all__ = ["backward", "forward"]


def forward(_: Any, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
    y = ctx.empty("y", x.shape)
    flat = ctx.contiguous("x", x).reshape(-1), y.reshape(-1)
    share_out(_rectify, y.size, 2 * y.nbytes, *flat)
    return y, y


def backward(
    _: Any, arrays: Arrays, ctx: Context, y: Array, dy: Array, grads: Grads
) -> Array | None:
    if not ctx.needs_input_grad[0]:
        return None
    dx = ctx.empty("dx", y.shape)
    flat = y.reshape(-1), ctx.contiguous("dy", dy).reshape(-1), dx.reshape(-1)
    share_out(_go_back, y.size, 3 * y.nbytes, *flat)
    return dx


@shared
def _rectify(first: int, stop: int, x: Array, y: Array) -> None:
    x, y = x[first:stop], y[first:stop]
    nothing = y.dtype.type(0)
    for i in range(y.size):
        y[i] = nothing if x[i] <= 0 else x[i]  # nan stays


@shared
def _go_back(first: int, stop: int, y: Array, dy: Array, dx: Array) -> None:
    y, dy, dx = y[first:stop], dy[first:stop], dx[first:stop]
    one, nothing = y.dtype.type(1), y.dtype.type(0)
    for i in range(y.size):
        dx[i] = dy[i] * (one if y[i] > 0 else nothing)

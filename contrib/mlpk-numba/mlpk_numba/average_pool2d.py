"""Average pooling over images, row by row of these."""

from __future__ import annotations

from typing import Any

from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_numba.compiled import compiled
from mlpk_numba.kernel import shared
from mlpk_numba.read_only import read_only
from mlpk_numba.sharing import share_out
from mlpk_numba.windows import axes, seen

__all__ = ["backward", "forward"]


def forward(pool: Any, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Any]:
    """Return the mean of each window."""
    down, across = axes(pool, *x.shape[1:3])
    if not (down.outputs and across.outputs):
        return pool.forward(arrays, ctx, x)  # type: ignore[no-any-return] # which refuses it
    y = ctx.empty("y", (len(x), down.outputs, across.outputs, x.shape[-1]))
    windows = down, across, pool.count_include_pad
    share_out(_mean, len(x), x.nbytes, read_only(ctx, "x", x), *windows, y)
    return y, x.shape


def backward(
    pool: Any, arrays: Arrays, ctx: Context, shape: Any, dy: Array, grads: Grads
) -> Array | None:
    """Return dx: each place in a window has the same share of its dy."""
    if not ctx.needs_input_grad[0]:
        return None
    dx = ctx.empty("dx", shape)
    windows = *axes(pool, *shape[1:3]), pool.count_include_pad
    share_out(_go_back, len(dx), dx.nbytes, read_only(ctx, "dy", dy), *windows, dx)
    return dx


@shared
def _mean(
    first: int, stop: int, x: Array, down: Any, across: Any, count_pads: bool, y: Array
) -> None:
    for n in range(first, stop):
        for p in range(y.shape[1]):
            y[n, p] = 0
            for row in range(*seen(down, p)):
                for q in range(y.shape[2]):
                    mean = y[n, p, q]
                    for column in range(*seen(across, q)):
                        here = x[n, row, column]
                        for c in range(mean.size):
                            mean[c] += here[c]
            for q in range(y.shape[2]):
                mean, share = y[n, p, q], y.dtype.type(_share(p, q, down, across, count_pads))
                for c in range(mean.size):
                    mean[c] *= share


@shared
def _go_back(
    first: int, stop: int, dy: Array, down: Any, across: Any, count_pads: bool, dx: Array
) -> None:
    for n in range(first, stop):
        dx[n] = 0
        for p in range(dy.shape[1]):
            for row in range(*seen(down, p)):
                for q in range(dy.shape[2]):
                    given = dy[n, p, q]
                    share = dx.dtype.type(_share(p, q, down, across, count_pads))
                    for column in range(*seen(across, q)):
                        here = dx[n, row, column]
                        for c in range(given.size):
                            here[c] += given[c] * share


@compiled
def _share(p: int, q: int, down: Any, across: Any, count_pads: bool) -> float:
    """Return what part of its mean each place of a window makes."""
    (top, bottom), (left, right) = seen(down, p), seen(across, q)
    count = down.size * across.size if count_pads else (bottom - top) * (right - left)
    return 1.0 / float(count)

"""Max pooling over images, row by row of these: memory is read the faster the longer it goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_numba.fill import fill
from mlpk_numba.kernel import shared
from mlpk_numba.read_only import read_only
from mlpk_numba.sharing import share_out
from mlpk_numba.windows import axes, seen

__all__ = ["backward", "forward"]


def forward(pool: Any, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Any]:
    """Return the largest of each window."""
    down, across = axes(pool, *x.shape[1:3])
    if not (down.outputs and across.outputs):
        return pool.forward(arrays, ctx, x)  # type: ignore[no-any-return] # which refuses it
    x = read_only(ctx, "x", x)
    y = ctx.empty("y", (len(x), down.outputs, across.outputs, x.shape[-1]))
    share_out(_largest, len(x), 4 * x.nbytes, x, down, across, y)
    return y, (x, y)


def backward(
    pool: Any, arrays: Arrays, ctx: Context, saved: Any, dy: Array, grads: Grads
) -> Array | None:
    """Return dx: dy goes to the first place of each window that holds its largest."""
    if not ctx.needs_input_grad[0]:
        return None
    x, y = saved
    dx, left = ctx.empty("dx", x.shape), ctx.empty("left", (len(x), *y.shape[2:]))
    given = x, y, read_only(ctx, "dy", dy), *axes(pool, *x.shape[1:3])
    share_out(_go_back, len(dx), 6 * dx.nbytes, *given, left, dx)
    return dx


@shared
def _largest(first: int, stop: int, x: Array, down: Any, across: Any, y: Array) -> None:
    for n in range(first, stop):
        for p in range(y.shape[1]):
            fill(y[n, p].reshape(-1), -np.inf)
            for row in range(*seen(down, p)):
                for q in range(y.shape[2]):
                    best = y[n, p, q]
                    for column in range(*seen(across, q)):
                        here = x[n, row, column]
                        for c in range(best.size):
                            new = here[c] > best[c] or here[c] != here[c]  # nan comes, and stays
                            best[c] = here[c] if new else best[c]


@shared
def _go_back(
    first: int,
    stop: int,
    x: Array,
    y: Array,
    dy: Array,
    down: Any,
    across: Any,
    left: Array,
    dx: Array,
) -> None:
    """Write dx; `left` is what nobody had so far of a row of dy."""
    nothing = dx.dtype.type(0)
    for n in range(first, stop):
        begun = 0
        for p in range(y.shape[1]):
            top, bottom = seen(down, p)
            fill(dx[n, begun:bottom].reshape(-1), 0)
            begun = bottom
            given, rests = dy[n, p].reshape(-1), left[n].reshape(-1)
            for k in range(given.size):
                rests[k] = given[k]
            for row in range(top, bottom):
                for q in range(y.shape[2]):
                    best, rest = y[n, p, q], left[n, q]
                    for column in range(*seen(across, q)):
                        here, gradient = x[n, row, column], dx[n, row, column]
                        for c in range(best.size):
                            found, its = here[c] == best[c], rest[c]
                            gradient[c] += its if found else nothing
                            rest[c] = nothing if found else its
        fill(dx[n, begun:].reshape(-1), 0)

"""Max pooling over images: the way forward writes down where the largest stood."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_numba.compiled import compiled
from mlpk_numba.crew import share_out
from mlpk_numba.in_order import in_order
from mlpk_numba.windows import axes

__all__ = ["backward", "forward", "serves"]

NOWHERE = 255  # no place in a window


def serves(pool: Any, shapes: tuple[tuple[int | None, ...]], dtype: np.dtype[Any]) -> bool:
    """Tell whether a byte can number the places of a window."""
    size = pool.kernel_size
    return (prod(size) if isinstance(size, tuple) else size * size) <= NOWHERE


def forward(pool: Any, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Any]:
    """Return the largest of each window, and the places where they stood."""
    down, across = axes(pool, *x.shape[1:3])
    if not (down.outputs and across.outputs):
        return pool.forward(arrays, ctx, x)  # type: ignore[no-any-return] # which refuses it
    shape = (len(x), down.outputs, across.outputs, x.shape[-1])
    y, places = ctx.empty("y", shape), ctx.empty("places", shape, np.uint8)
    share_out(_largest, len(x), x.nbytes, in_order(ctx, "x", x), down, across, y, places)
    return y, (places, x.shape)


def backward(
    pool: Any, arrays: Arrays, ctx: Context, saved: Any, dy: Array, grads: Grads
) -> Array | None:
    """Return dx: dy goes to the places where the largest stood."""
    if not ctx.needs_input_grad[0]:
        return None
    places, shape = saved
    dx, ordered = ctx.empty("dx", shape), in_order(ctx, "dy", dy)
    share_out(_go_back, len(dx), dx.nbytes, ordered, places, *axes(pool, *shape[1:3]), dx)
    return dx


@compiled
def _largest(
    first: int, stop: int, x: Array, down: Any, across: Any, y: Array, places: Array
) -> None:
    for n in range(first, stop):
        for p in range(y.shape[1]):
            for q in range(y.shape[2]):
                top, left = p * down.stride - down.before, q * across.stride - across.before
                best, place = y[n, p, q], places[n, p, q]
                best[:] = -np.inf
                place[:] = NOWHERE
                for i in range(max(0, -top), min(down.size, down.length - top)):
                    for j in range(max(0, -left), min(across.size, across.length - left)):
                        here, number = x[n, top + i, left + j], np.uint8(i * across.size + j)
                        for c in range(best.size):
                            # The first of all, what is larger, and nan, which stays.
                            new = place[c] == NOWHERE or here[c] > best[c] or here[c] != here[c]
                            best[c] = here[c] if new else best[c]
                            place[c] = number if new else place[c]
                for c in range(best.size):  # nan equals nothing, and so has no place
                    place[c] = NOWHERE if best[c] != best[c] else place[c]


@compiled
def _go_back(
    first: int, stop: int, dy: Array, places: Array, down: Any, across: Any, dx: Array
) -> None:
    nothing = dx.dtype.type(0)
    for n in range(first, stop):
        dx[n] = 0
        for p in range(dy.shape[1]):
            for q in range(dy.shape[2]):
                top, left = p * down.stride - down.before, q * across.stride - across.before
                given, place = dy[n, p, q], places[n, p, q]
                for i in range(max(0, -top), min(down.size, down.length - top)):
                    for j in range(max(0, -left), min(across.size, across.length - left)):
                        here, number = dx[n, top + i, left + j], np.uint8(i * across.size + j)
                        for c in range(given.size):
                            here[c] += given[c] if place[c] == number else nothing

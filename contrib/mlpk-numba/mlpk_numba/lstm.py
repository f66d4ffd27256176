"""LSTM: each way all steps of some rows in one function, and the weights' gradients along with them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_numba.lstm_steps import run_steps
from mlpk_numba.lstm_steps_back import join_sums, run_steps_back
from mlpk_numba.panels import panels_of
from mlpk_numba.read_only import read_only
from mlpk_numba.sharing import share_out

__all__ = ["backward", "forward"]

ROWS, PIECES = 32, 16  # rows that a piece has at least, and pieces that a batch has at most
DEPTH = 128  # rows of one step or several that go into the weights' gradients at once


class Saved(NamedTuple):
    """What the way back needs; time comes first, and a gate lies in one piece."""

    seen: Array  # (T + 1, n, units + n_in + 1): h of the step before, x (0 where masked), 1
    gates: Array  # (T, 4, n, units): i, f, g, o
    c: Array  # (T + 1, n, units)
    squashed: Array  # (T, n, units): tanh(c)
    mask: Array  # (n, T), or (0, 0) without one


def forward(
    lstm: Any, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
) -> tuple[Array, Any]:
    """Return h' = o * tanh(c') of the last step or of all, where c' = f * c + i * g."""
    if mask is not None and mask.shape != x.shape[:2]:
        return lstm.forward(arrays, ctx, x, mask)  # type: ignore[no-any-return] # which refuses it
    (n, steps, n_in), units = x.shape, lstm.units
    shown = ctx.empty("shown", (0, 0), np.bool_) if mask is None else mask
    there = read_only(ctx, "mask", shown)
    recurrent, weight, bias = _by_gates(arrays, units)
    weights = panels_of(ctx, "weights", recurrent, weight)
    seen = ctx.empty("seen", (steps + 1, n, units + n_in + 1))
    gates = ctx.empty("gates", (steps, 4, n, units))
    c = ctx.empty("c", (steps + 1, n, units))
    squashed = ctx.empty("squashed", (steps, n, units))
    y = ctx.empty("y", (n, steps if lstm.return_sequences else 1, units))
    work = gates.nbytes * (10 + (n_in + units) // 6)
    size = _rows_of_a_piece(n)
    given = read_only(ctx, "x", x), there, weights, bias[0]
    share_out(run_steps, -(-n // size), work, size, *given, seen, gates, c, squashed, y)
    return (y if lstm.return_sequences else y[:, 0]), Saved(seen, gates, c, squashed, there)


def backward(
    lstm: Any, arrays: Arrays, ctx: Context, saved: Saved, dy: Array, grads: Grads
) -> Array | tuple[Array | None, None] | None:
    """Write the gradients of the params from those of the gates, and return those of the inputs."""
    (steps, _, n, units), n_in = saved.gates.shape, len(grads["weight"])
    turned = [
        panels_of(ctx, name, arrays[name].reshape(-1, 4, units).transpose(2, 1, 0))
        for name in ("recurrent", "weight")
    ]
    dx = ctx.empty("dx", (n, steps, n_in) if ctx.needs_input_grad[0] else (0, 0, 0))
    size = _rows_of_a_piece(n)
    count = -(-n // size)
    sums = ctx.empty("sums", (count, saved.seen.shape[2], 4, units))
    each = read_only(ctx, "dy", dy).reshape(n, -1, units)
    depth = max(1, DEPTH // size)
    scratch = ctx.empty("dz", (count, depth, 4, size, units)), ctx.empty("state", (2, n, units))
    work = saved.gates.nbytes * (10 + (n_in + 2 * units) // 6)
    share_out(run_steps_back, count, work, size, each, *saved, *turned, *scratch, dx, sums)
    join_sums(sums, *_by_gates(grads, units))
    dinput = dx if ctx.needs_input_grad[0] else None
    return (dinput, None) if len(ctx.needs_input_grad) > 1 else dinput


def _by_gates(arrays: Arrays, units: int) -> list[Array]:
    """Return what h, x and 1 are multiplied with, or its gradients, (rows, 4, units) each."""
    return [arrays[name].reshape(-1, 4, units) for name in ("recurrent", "weight", "bias")]


def _rows_of_a_piece(n: int) -> int:
    """Return how many rows a thread takes at a time; sums don't depend on who took them."""
    return ROWS * max(1, -(-n // (ROWS * PIECES)))

"""LSTM: each way all steps of some rows in one function, and the weights' gradients along with them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_numba.compiled import compiled
from mlpk_numba.crew import share_out
from mlpk_numba.curves import tanh
from mlpk_numba.panels import panels_of
from mlpk_numba.product import add_product, panel, write_product

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
    there = ctx.empty("there", (0, 0), np.bool_) if mask is None else ctx.contiguous("mask", mask)
    recurrent, weight, bias = _by_gates(arrays, units)
    weights = panels_of(ctx, "weights", recurrent, weight)
    seen = ctx.empty("seen", (steps + 1, n, units + n_in + 1))
    gates = ctx.empty("gates", (steps, 4, n, units))
    c = ctx.empty("c", (steps + 1, n, units))
    squashed = ctx.empty("squashed", (steps, n, units))
    y = ctx.empty("y", (n, steps if lstm.return_sequences else 1, units))
    work = gates.nbytes * (10 + (n_in + units) // 6)
    size = _rows_of_a_piece(n)
    given = ctx.contiguous("x", x), there, weights, bias[0]
    share_out(_steps, -(-n // size), work, size, *given, seen, gates, c, squashed, y)
    return (y if lstm.return_sequences else y[:, 0]), Saved(seen, gates, c, squashed, there)


def backward(
    lstm: Any, arrays: Arrays, ctx: Context, saved: Any, dy: Array, grads: Grads
) -> Array | tuple[Array | None, None] | None:
    """Write the gradients of the params from those of the gates, and return those of the inputs."""
    seen, gates, c, squashed, there = saved
    (steps, _, n, units), n_in = gates.shape, len(grads["weight"])
    turned, turned_back = (
        panels_of(ctx, name, arrays[name].reshape(-1, 4, units).transpose(2, 1, 0))
        for name in ("recurrent", "weight")
    )
    dx = ctx.empty("dx", (n, steps, n_in) if ctx.needs_input_grad[0] else (0, 0, 0))
    size = _rows_of_a_piece(n)
    count = -(-n // size)
    sums = ctx.empty("sums", (count, seen.shape[2], 4, units))
    each = ctx.contiguous("dy", dy).reshape(n, -1, units)
    kept = seen.transpose(2, 0, 1), gates, c, squashed, there
    depth = max(1, DEPTH // size)
    dz = ctx.empty("dz", (count, depth, 4, size, units))
    scratch = dz, dz.transpose(0, 1, 3, 2, 4), ctx.empty("state", (2, n, units))
    work = gates.nbytes * (10 + (n_in + 2 * units) // 6)
    share_out(_steps_back, count, work, size, each, *kept, turned, turned_back, *scratch, dx, sums)
    _join(sums, *_by_gates(grads, units))
    dinput = dx if ctx.needs_input_grad[0] else None
    return (dinput, None) if len(ctx.needs_input_grad) > 1 else dinput


def _by_gates(arrays: Arrays, units: int) -> list[Array]:
    """Return what h, x and 1 are multiplied with, or its gradients, (rows, 4, units) each."""
    return [arrays[name].reshape(-1, 4, units) for name in ("recurrent", "weight", "bias")]


def _rows_of_a_piece(n: int) -> int:
    """Return how many rows a thread takes at a time; sums don't depend on who took them."""
    return ROWS * max(1, -(-n // (ROWS * PIECES)))


@compiled
def _steps(
    first: int,
    stop: int,
    size: int,
    x: Array,
    there: Array,
    weights: Array,
    bias: Array,
    seen: Array,
    gates: Array,
    c: Array,
    squashed: Array,
    y: Array,
) -> None:
    """Do the pieces from `first` to `stop`, of `size` rows each."""
    n, steps, n_in = x.shape
    units, width = gates.shape[3], weights.shape[3]
    biases = np.broadcast_to(bias[:, np.newaxis], (4, size, units))
    nothing, one = seen.dtype.type(0), seen.dtype.type(1)
    for begin in range(first * size, min(n, stop * size), size):
        end = min(n, begin + size)
        seen[0, begin:end, :units] = 0
        c[0, begin:end] = 0
        for t in range(steps):
            for row in range(begin, end):
                shown = not there.size or there[row, t]
                for k in range(n_in):
                    seen[t, row, units + k] = x[row, t, k] if shown else nothing
                seen[t, row, units + n_in] = one
            inputs = seen[t : t + 1, begin:end, np.newaxis, :-1]
            for gate in range(4):
                for at in range(len(weights)):
                    columns = slice(at * width, (at + 1) * width)
                    z = gates[t, gate : gate + 1, begin:end, columns]
                    start = biases[gate : gate + 1, :, columns]
                    write_product(inputs, weights[at, gate : gate + 1], start, z)
                _squash(gates[t, gate, begin:end].reshape(-1), gate == 2)  # noqa: PLR2004 - i, f, g, o
            _cell(
                gates[t, 0, begin:end].reshape(-1),
                gates[t, 1, begin:end].reshape(-1),
                gates[t, 2, begin:end].reshape(-1),
                c[t, begin:end].reshape(-1),
                c[t + 1, begin:end].reshape(-1),
                squashed[t, begin:end].reshape(-1),
            )
            for row in range(begin, end):
                if there.size and not there[row, t]:
                    for u in range(units):
                        seen[t + 1, row, u] = seen[t, row, u]
                        c[t + 1, row, u] = c[t, row, u]
                else:
                    for u in range(units):
                        seen[t + 1, row, u] = gates[t, 3, row, u] * squashed[t, row, u]
                if y.shape[1] == steps or t == steps - 1:
                    for u in range(units):
                        y[row, min(t, y.shape[1] - 1), u] = seen[t + 1, row, u]


@compiled
def _add_panels(a: Array, b: Array, c: Array) -> None:
    """Add to c (rows, columns) the product of a (rows, I, K) and b, panel by panel."""
    width = b.shape[3]
    for at in range(len(b)):
        add_product(a, b[at, :, :, :width], c[:, at * width : (at + 1) * width])


@compiled
def _squash(z: Array, signed: bool) -> None:
    """Make z tanh(z), or sigmoid(z) = 0.5 * tanh(0.5 * z) + 0.5."""
    real = z.dtype.type
    scale, shift = (real(1), real(0)) if signed else (real(0.5), real(0.5))
    for k in range(z.size):
        z[k] = tanh(z[k] * scale) * scale + shift


@compiled
def _cell(i: Array, f: Array, g: Array, old_c: Array, c: Array, squashed: Array) -> None:
    for k in range(c.size):
        c[k] = f[k] * old_c[k] + i[k] * g[k]
    for k in range(c.size):
        squashed[k] = tanh(c[k])


@compiled
def _steps_back(
    first: int,
    stop: int,
    size: int,
    dy: Array,
    inputs: Array,
    gates: Array,
    c: Array,
    squashed: Array,
    there: Array,
    turned: Array,
    turned_back: Array,
    dz: Array,
    dz_by_rows: Array,
    state: Array,
    dx: Array,
    sums: Array,
) -> None:
    """Do the pieces from `first` to `stop`: dy (n, T or 1, units) is of all states, or of the last.

    Each leaves its share of the gradients of weight, recurrent and bias in `sums`. dz (pieces,
    steps, 4, rows, units) is of the last steps alone; inputs (units + n_in + 1, T + 1, n) are `seen`.
    """
    steps, _, n, units = gates.shape
    for piece in range(first, stop):
        begin, end = piece * size, min(n, (piece + 1) * size)
        depth, dh = dz.shape[1], state[0, begin:end]
        state[:, begin:end] = 0
        sums[piece] = 0
        done = steps
        for t in range(steps - 1, -1, -1):
            if dy.shape[1] == steps or t == steps - 1:
                for row in range(begin, end):
                    for u in range(units):
                        state[0, row, u] += dy[row, min(t, dy.shape[1] - 1), u]
            dnow = dz[piece, t - done]
            length = 1 if there.size else end - begin
            for row in range(begin, end, length):
                if there.size and not there[row, t]:
                    dnow[:, row - begin] = 0
                    continue
                here, its = slice(row, row + length), slice(row - begin, row - begin + length)
                _cell_back(
                    gates[t, 0, here].reshape(-1),
                    gates[t, 1, here].reshape(-1),
                    gates[t, 2, here].reshape(-1),
                    gates[t, 3, here].reshape(-1),
                    c[t, here].reshape(-1),
                    squashed[t, here].reshape(-1),
                    state[0, here].reshape(-1),
                    state[1, here].reshape(-1),
                    dnow[0, its].reshape(-1),
                    dnow[1, its].reshape(-1),
                    dnow[2, its].reshape(-1),
                    dnow[3, its].reshape(-1),
                )
            by_rows = dz_by_rows[piece, t - done, : end - begin]
            _add_panels(by_rows, turned, dh)
            if dx.size:
                dx[begin:end, t] = 0
                _add_panels(by_rows, turned_back, dx[begin:end, t])
            if done - t == depth or t == 0:
                its_dz = dz[piece, t - done :, :, : end - begin]
                _add_gradients(inputs[:, t:done, begin:end], its_dz, sums[piece])
                done = t


@compiled
def _cell_back(
    i: Array,
    f: Array,
    g: Array,
    o: Array,
    c: Array,
    squashed: Array,
    dh: Array,
    dc: Array,
    di: Array,
    df: Array,
    dg: Array,
    do: Array,
) -> None:
    """Make of dh do and, by o * (1 - tanh(c')**2), a share of dc', of that di, df, dg and dc.

    A loop over more arrays than these would ask too often whether they overlap to use vectors.
    """
    one = i.dtype.type(1)
    for k in range(i.size):
        do[k] = dh[k] * squashed[k] * o[k] * (one - o[k])
        dc[k] += dh[k] * o[k] * (one - squashed[k] * squashed[k])
    for k in range(i.size):
        di[k] = dc[k] * g[k] * i[k] * (one - i[k])
        dg[k] = dc[k] * i[k] * (one - g[k] * g[k])
    for k in range(i.size):
        df[k] = dc[k] * c[k] * f[k] * (one - f[k])
        dc[k] *= f[k]
    dh[:] = 0


@compiled
def _add_gradients(inputs: Array, dz: Array, sums: Array) -> None:
    """Add the product of inputs (units + n_in + 1, steps, rows) and dz (steps, 4, rows, units)."""
    for gate in range(4):
        start = 0
        while start < dz.shape[3]:
            part = panel(dz[:, gate], start)
            add_product(inputs, part, sums[:, gate, start : start + part.shape[2]])
            start += part.shape[2]


@compiled
def _join(sums: Array, recurrent: Array, weight: Array, bias: Array) -> None:
    """Write the sums over all pieces, in their order."""
    start = 0
    for gradient in (recurrent, weight, bias):
        gradient[:] = 0
        for piece in range(len(sums)):
            for row in range(len(gradient)):
                for gate in range(4):
                    for u in range(gradient.shape[2]):
                        gradient[row, gate, u] += sums[piece, start + row, gate, u]
        start += len(gradient)

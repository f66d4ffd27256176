"""LSTM: all steps of a row in one function, and the rows shared out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads

from mlpk_numba.column_sums import column_sums
from mlpk_numba.compiled import compiled
from mlpk_numba.crew import alone, share_out
from mlpk_numba.curves import tanh
from mlpk_numba.in_order import in_order
from mlpk_numba.matrices import multiply
from mlpk_numba.product import add_product, panel, width_of

__all__ = ["backward", "forward"]


class Saved(NamedTuple):
    """What the way back needs; time comes first."""

    x: Array  # (T, n, n_in): zeros where masked
    gates: Array  # (T, n, 4 units): i, f, g, o
    h: Array  # (T + 1, n, units)
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
    ordered = ctx.empty("steps", (steps, n, n_in))
    np.copyto(ordered, x.swapaxes(0, 1))
    if mask is not None:
        hidden = np.logical_not(mask.T, out=ctx.empty("hidden", mask.T.shape, np.bool_))
        np.copyto(ordered, 0, where=hidden[..., None])
    there = ctx.empty("there", (0, 0), np.bool_) if mask is None else in_order(ctx, "mask", mask)
    gates = ctx.empty("gates", (steps, n, 4 * units))
    with alone():
        multiply(ordered.reshape(-1, n_in), arrays["weight"], gates.reshape(-1, 4 * units))
    h, c = (ctx.empty(name, (steps + 1, n, units)) for name in ("h", "c"))
    squashed = ctx.empty("squashed", (steps, n, units))
    recurrent = arrays["recurrent"][None]
    work = gates.nbytes * (10 + units // 6)
    share_out(_steps, n, work, gates, recurrent, arrays["bias"], there, h, c, squashed)
    saved = Saved(ordered, gates, h, c, squashed, there)
    return (h[1:].swapaxes(0, 1) if lstm.return_sequences else h[-1]), saved


def backward(
    lstm: Any, arrays: Arrays, ctx: Context, saved: Any, dy: Array, grads: Grads
) -> Array | tuple[Array | None, None] | None:
    """Write the gradients of the params from those of the gates, and return those of the inputs."""
    x, gates, h, c, squashed, there = saved
    units, width = lstm.units, gates.shape[2]
    turned = ctx.empty("turned", (1, width, units))
    np.copyto(turned[0], arrays["recurrent"].T)
    dz, state = ctx.empty("dz", gates.shape), ctx.empty("state", (2, *h.shape[1:]))
    each = in_order(ctx, "dy", dy).reshape(len(dy), -1, units)
    work = gates.nbytes * (10 + units // 6)
    share_out(_steps_back, len(dy), work, each, gates, c, squashed, there, turned, state, dz)
    rows, drows = x.reshape(-1, x.shape[2]), dz.reshape(-1, width)
    multiply(h[:-1].reshape(-1, units).T, drows, grads["recurrent"])
    multiply(rows.T, drows, grads["weight"])
    column_sums(drows, grads["bias"])
    dx = None
    if ctx.needs_input_grad[0]:
        dsteps = ctx.empty("dx", x.shape)
        multiply(drows, arrays["weight"].T, dsteps.reshape(rows.shape))
        dx = dsteps.swapaxes(0, 1)
    return (dx, None) if there.size else dx


@compiled
def _steps(
    first: int,
    stop: int,
    gates: Array,
    recurrent: Array,
    bias: Array,
    there: Array,
    h: Array,
    c: Array,
    squashed: Array,
) -> None:
    """Do the rows from `first` to `stop`: x W is in `gates`, and becomes the gates."""
    steps, _, width = gates.shape
    units = width // 4
    real = gates.dtype.type
    half = real(0.5)
    # sigmoid(a) = 0.5 * tanh(0.5 * a) + 0.5, so that one tanh serves all gates.
    scale, shift = np.full(width, half), np.full(width, half)
    scale[2 * units : 3 * units] = 1
    shift[2 * units : 3 * units] = 0
    h[0, first:stop] = 0
    c[0, first:stop] = 0
    for t in range(steps):
        now = gates[t, first:stop]
        for row in range(len(now)):
            for k in range(width):
                now[row, k] += bias[k]
        before = h[t, first:stop].reshape(len(now), 1, units)
        for start in range(0, width, width_of(now)):
            part = panel(recurrent, start)
            add_product(before, part, now[:, start : start + part.shape[2]])
        for row in range(len(now)):
            place = first + row
            old_c, new_c, new_h, bent = (
                c[t, place],
                c[t + 1, place],
                h[t + 1, place],
                squashed[t, place],
            )
            if there.size and not there[place, t]:
                new_c[:] = old_c
                new_h[:] = h[t, place]
                continue
            gate = now[row]
            for k in range(width):
                gate[k] = tanh(gate[k] * scale[k]) * scale[k] + shift[k]
            i, f, g, o = gate[:units], gate[units:], gate[2 * units :], gate[3 * units :]
            for u in range(units):
                new_c[u] = f[u] * old_c[u] + i[u] * g[u]
                bent[u] = tanh(new_c[u])
                new_h[u] = o[u] * bent[u]


@compiled
def _steps_back(
    first: int,
    stop: int,
    dy: Array,
    gates: Array,
    c: Array,
    squashed: Array,
    there: Array,
    turned: Array,
    state: Array,
    dz: Array,
) -> None:
    """Do the rows from `first` to `stop`: dy (n, T or 1, units) is of all states, or of the last.

    dh gives do and, by o * (1 - tanh(c)**2), a share of dc; dc gives di, df and dg, and f * dc is
    the other share at the step before.
    """
    steps, _, width = gates.shape
    units = width // 4
    one = gates.dtype.type(1)
    dhs, dcs = state[0, first:stop], state[1, first:stop]
    dhs[:] = 0
    dcs[:] = 0
    for t in range(steps - 1, -1, -1):
        for row in range(len(dhs)):
            place = first + row
            dh, dc, dgate = dhs[row], dcs[row], dz[t, place]
            if dy.shape[1] == steps or t == steps - 1:
                given = dy[place, min(t, dy.shape[1] - 1)]
                for u in range(units):
                    dh[u] += given[u]
            if there.size and not there[place, t]:
                dgate[:] = 0
                continue
            gate, old_c, bent = gates[t, place], c[t, place], squashed[t, place]
            i, f, g, o = gate[:units], gate[units:], gate[2 * units :], gate[3 * units :]
            di, df = dgate[:units], dgate[units:]
            dg, do = dgate[2 * units :], dgate[3 * units :]
            for u in range(units):
                do[u] = dh[u] * bent[u] * o[u] * (one - o[u])
                dc[u] += dh[u] * o[u] * (one - bent[u] * bent[u])
                di[u] = dc[u] * g[u] * i[u] * (one - i[u])
                df[u] = dc[u] * old_c[u] * f[u] * (one - f[u])
                dg[u] = dc[u] * i[u] * (one - g[u] * g[u])
                dc[u] *= f[u]
                dh[u] = 0
        dnow = dz[t, first:stop].reshape(len(dhs), 1, width)
        for start in range(0, units, width_of(dnow)):
            part = panel(turned, start)
            add_product(dnow, part, dhs[:, start : start + part.shape[2]])

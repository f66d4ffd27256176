"""The cell of an LSTM: one step after the other, and the way back.

The gates lie side by side in the order i, f, g, o.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlpk import Context
from mlpk.arrays import Array, Arrays
from mlpk_plugins.layers.parts.recurrence import back_in_time, gates_of, states
from mlpk_plugins.layers.parts.steps import Steps


class Cells(NamedTuple):
    """What an LSTM held at each step."""

    gates: Array  # (T, n, 4 units)
    h: Array  # (T + 1, n, units)
    c: Array  # (T + 1, n, units)
    squashed: Array  # (T, n, units): tanh(c)


def lstm_steps(ctx: Context, arrays: Arrays, steps: Steps) -> Cells:
    """Return c' = f * c + i * g and h' = o * tanh(c') of each step.

    The gates [sigmoid, sigmoid, tanh, sigmoid](z + h R) are written over z = x W + b.
    """
    z, recurrent, masked = steps.driven(ctx, arrays), arrays["recurrent"], steps.masked
    units = len(recurrent)
    i, f, g, o = gates_of(z, 4)
    h, c = states(ctx, "h", z, units), states(ctx, "c", z, units)
    squashed, product = ctx.empty("squashed", i.shape), ctx.empty("product", z.shape[1:])
    # sigmoid(a) = 0.5 * tanh(0.5 * a) + 0.5, so that one tanh serves all gates.
    scale = np.repeat(np.array((0.5, 0.5, 1, 0.5), z.dtype), units)
    shift = np.repeat(np.array((0.5, 0.5, 0, 0.5), z.dtype), units)
    for t, now in enumerate(z):
        now += np.matmul(h[t], recurrent, out=product)  # noqa: PLW2901 - in place
        np.tanh(np.multiply(now, scale, out=now), out=now)
        np.add(np.multiply(now, scale, out=now), shift, out=now)
        if masked is not None:  # c' = 1 * c + 0 * 0
            np.copyto(now, 0, where=masked[t])
            np.copyto(f[t], 1, where=masked[t])
        np.multiply(f[t], c[t], out=c[t + 1])
        c[t + 1] += np.multiply(i[t], g[t], out=squashed[t])
        np.multiply(o[t], np.tanh(c[t + 1], out=squashed[t]), out=h[t + 1])
        if masked is not None:
            np.copyto(h[t + 1], h[t], where=masked[t])
    return Cells(z, h, c, squashed)


def lstm_steps_back(ctx: Context, arrays: Arrays, steps: Steps, cells: Cells, dy: Array) -> Array:
    """Return the gradient of z, (T, n, 4 units), for that of the last h or of all of them.

    dh gives do and, by o * (1 - tanh(c)**2), a share of dc; dc gives di, df and dg, and f * dc is
    the other share at the step before.
    """
    gates, h, c, squashed = cells
    i, f, g, o = gates_of(gates, 4)
    # What does not depend on dh and dc, for all steps at once: dz but for the factor dc (of i, f
    # and g) or dh (of o), and `reach`, which takes dh to dc.
    dz = np.multiply(gates, gates, out=ctx.empty("dz", gates.shape))
    di, df, dg, do = gates_of(dz, 4)
    np.subtract(1, dg, out=dg)
    for gate, slope in ((i, di), (f, df), (o, do)):
        np.subtract(gate, slope, out=slope)
    for slope, other in ((di, g), (df, c[:-1]), (dg, i), (do, squashed)):
        slope *= other  # noqa: PLW2901 - in place
    reach = np.multiply(squashed, squashed, out=ctx.empty("reach", squashed.shape))
    np.multiply(np.subtract(1, reach, out=reach), o, out=reach)
    dc = ctx.empty("dc", h.shape[1:])
    dc.fill(0)
    for t, dh, earlier in back_in_time(ctx, h, dy):
        dc += np.multiply(reach[t], dh, out=reach[t])
        for slope in (di, df, dg):
            slope[t] *= dc
        do[t] *= dh
        dc *= f[t]
        np.matmul(dz[t], arrays["recurrent"].T, out=earlier)
        if steps.masked is not None:
            np.copyto(earlier, dh, where=steps.masked[t])
    return dz

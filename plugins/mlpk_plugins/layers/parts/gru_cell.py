"""The cell of a GRU: one step after the other, and the way back.

The gates lie side by side in the order z, r, n.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlpk import Context
from mlpk.arrays import Array, Arrays
from mlpk_plugins.layers.parts.recurrence import back_in_time, gates_of, states
from mlpk_plugins.layers.parts.steps import Steps


class Cells(NamedTuple):
    """What a GRU held at each step."""

    gates: Array  # (T, n, 3 units)
    h: Array  # (T + 1, n, units)
    q: Array  # (T, n, units): h R_n + d_n


def gru_steps(ctx: Context, arrays: Arrays, steps: Steps) -> Cells:
    """Return h' = z * h + (1 - z) * n of each step.

    The gates are written over w = x W + b: z and r are sigmoid(w + h R + d), n is tanh(w + r * q).
    """
    w, recurrent, masked = steps.driven(ctx, arrays), arrays["recurrent"], steps.masked
    units = len(recurrent)
    z, r, n = gates_of(w, 3)
    h, q = states(ctx, "h", w, units), ctx.empty("q", z.shape)
    product = ctx.empty("product", w.shape[1:])
    for t, now in enumerate(w):
        np.matmul(h[t], recurrent, out=product)
        product += arrays["recurrent_bias"]
        np.copyto(q[t], product[:, 2 * units :])
        # sigmoid(a) = 0.5 * tanh(0.5 * a) + 0.5
        zr = now[:, : 2 * units]
        zr += product[:, : 2 * units]
        np.tanh(np.multiply(zr, 0.5, out=zr), out=zr)
        np.add(np.multiply(zr, 0.5, out=zr), 0.5, out=zr)
        n[t] += np.multiply(r[t], q[t], out=h[t + 1])
        np.tanh(n[t], out=n[t])
        if masked is not None:  # h' = 1 * h + 0 * 0
            np.copyto(now, 0, where=masked[t])
            np.copyto(z[t], 1, where=masked[t])
        np.subtract(h[t], n[t], out=h[t + 1])
        h[t + 1] *= z[t]
        h[t + 1] += n[t]
    return Cells(w, h, q)


def gru_steps_back(ctx: Context, arrays: Arrays, cells: Cells, dy: Array) -> tuple[Array, Array]:
    """Return the gradients of h R + d, (T, n, 3 units), and of n's part of x W + b, (T, n, units).

    Those of z and r are the same for both; n's are dq = r * dn and dn.
    """
    gates, h, q = cells
    z, r, n = gates_of(gates, 3)
    # All are dh times a factor, which is computed for all steps at once.
    dgates = ctx.empty("dgates", gates.shape)
    dz, dr, dq = gates_of(dgates, 3)
    dn = np.multiply(n, n, out=ctx.empty("dn", n.shape))
    np.subtract(1, dn, out=dn)
    dn *= np.subtract(1, z, out=dz)
    dz *= z
    dz *= np.subtract(h[:-1], n, out=dq)
    np.multiply(dn, r, out=dq)
    np.multiply(np.subtract(1, r, out=dr), dq, out=dr)
    dr *= q
    for t, dh, earlier in back_in_time(ctx, h, dy):
        for slope in (dz, dr, dq, dn):
            slope[t] *= dh
        np.matmul(dgates[t], arrays["recurrent"].T, out=earlier)
        earlier += np.multiply(dh, z[t], out=dh)  # noqa: PLW2901 - in place
    return dgates, dn

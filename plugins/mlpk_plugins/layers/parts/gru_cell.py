"""The cell of a GRU: one step after the other, and the way back.

The gates lie side by side in the order z, r, n.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlpk import Context
from mlpk.arrays import Array, Arrays
from mlpk_plugins.layers.parts.products import in_pieces
from mlpk_plugins.layers.parts.recurrence import back_in_time
from mlpk_plugins.layers.parts.steps import Steps, stacked


class Cell(NamedTuple):
    """What a GRU holds at one step; each is (units, rows), or some of these."""

    gates: Array  # (3, units, rows)
    z: Array
    r: Array
    n: Array
    q: Array  # h R_n + d_n


def gru_steps(ctx: Context, arrays: Arrays, steps: Steps) -> list[Cell]:
    """Write h' = z * h + (1 - z) * n of each step to the steps.

    z and r are sigmoid([W; b + d; R]' [x; 1; h]), n is tanh([W; b]' [x; 1] + r * q), and q is
    [d; R]' [1; h].
    """
    count, n_in, (units, rows) = len(steps.each), steps.x.shape[1], steps.h.shape[1:]
    all_gates = ctx.empty("gates", (count, 3, units, rows))
    all_q = ctx.empty("q", (count, units, rows))
    cells = ctx.views("cells", (all_gates, all_q), _cells)
    half = np.array(0.5, ctx.dtype)
    stack = stacked(ctx, arrays)
    of_zr, of_n = stack[:, : 2 * units], stack[:, 2 * units :]
    np.matmul(of_n[: n_in + 1].T, steps.given[:-1, : n_in + 1], out=all_gates[:, 2])
    stack[n_in] += arrays["recurrent_bias"]
    of_n[n_in] = arrays["recurrent_bias"][2 * units :]
    of_zr *= half  # sigmoid(a) = 0.5 * tanh(0.5 * a) + 0.5
    entering, entering_q = in_pieces(of_zr.T, rows), of_n[n_in:].T
    for step, (gates, z, r, n, q) in zip(steps.each, cells, strict=True):
        zr, after = gates[:2], step.after
        np.matmul(entering, step.given, out=zr.reshape(*entering.shape[:2], rows))
        np.matmul(entering_q, step.given[n_in:], out=q)
        np.tanh(zr, out=zr)
        np.add(np.multiply(zr, half, out=zr), half, out=zr)
        np.add(n, np.multiply(r, q, out=after), out=n)
        np.tanh(n, out=n)
        if step.masked is not None:  # h' = 1 * h + 0 * 0
            np.copyto(gates, 0, where=step.masked)
            np.copyto(z, 1, where=step.masked)
        np.multiply(np.subtract(step.h, n, out=after), z, out=after)
        np.add(after, n, out=after)
    return cells


def gru_steps_back(
    ctx: Context, arrays: Arrays, steps: Steps, cells: list[Cell], dy: Array
) -> tuple[Array, Array]:
    """Return the gradients of h R + d, (T, 3 units, rows), and of n's part of x W + b, (T, units, rows).

    Those of z and r are the same for both; n's are dq = r * dn and dn.
    """
    count, (units, rows) = len(cells), steps.h.shape[1:]
    dgates = ctx.empty("dgates", (count, 3, units, rows))
    dnew = ctx.empty("dn", (count, units, rows))
    one = np.array(1, ctx.dtype)
    recurrent = in_pieces(arrays["recurrent"], rows)
    for (step, dh, earlier), (gates, z, r, n, q), dzrq, dn in zip(
        back_in_time(ctx, steps, dy), reversed(cells), dgates[::-1], dnew[::-1], strict=True
    ):
        dz, dr, dq = dzrq
        np.subtract(one, gates[:2], out=dzrq[:2])
        np.subtract(one, np.multiply(n, n, out=dn), out=dn)
        np.multiply(np.multiply(dn, dz, out=dn), dh, out=dn)
        np.multiply(dn, r, out=dq)
        np.multiply(np.multiply(dr, q, out=dr), dq, out=dr)
        np.multiply(dh, z, out=dh)
        np.multiply(dz, np.subtract(step.h, n, out=earlier), out=dz)
        np.multiply(dz, dh, out=dz)
        np.matmul(
            recurrent,
            dzrq.reshape(3 * units, rows),
            out=earlier.reshape(*recurrent.shape[:2], rows),
        )
        np.add(earlier, dh, out=earlier)
    return dgates.reshape(count, 3 * units, rows), dnew


def _cells(all_gates: Array, all_q: Array) -> list[Cell]:
    """Return the views of all steps."""
    return [
        Cell(gates, z=gates[0], r=gates[1], n=gates[2], q=q)
        for gates, q in zip(all_gates, all_q, strict=True)
    ]

"""The cell of an LSTM: one step after the other, and the way back.

The gates come in the order i, f, g, o. In here it is o, i, f, g, and behind them lies c: what is
computed alike is then one piece, be it the sigmoids, the products [i, f] * [g, c], or what follows
from dc'.
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
    """What an LSTM holds at one step: (units, n) each, or several of these, of the same memory."""

    o_i_f_g: Array
    o_i_f: Array
    i_f: Array
    g_c: Array
    o: Array
    i: Array
    f: Array
    g: Array
    shares: Array  # i * g and f * c, which add up to c'
    fresh: Array  # i * g
    kept: Array  # f * c
    after: Array  # c', which is the next step's c
    squashed: Array  # tanh(c')


class Cells(NamedTuple):
    """What an LSTM held, step by step, and the parameters that it ran with."""

    each: list[Cell]
    stack: Array  # [W; b; R] with the gates in the order o, i, f, g


def lstm_steps(ctx: Context, arrays: Arrays, steps: Steps) -> Cells:
    """Write h' = o * tanh(c') of each step to the steps, where c' = i * g + f * c."""
    units, n = steps.h.shape[1:]
    gates_c = ctx.empty("gates_c", (len(steps.each) + 1, 5, units, n))
    shares = ctx.empty("shares", (len(steps.each), 2, units, n))
    squashed = ctx.empty("squashed", (len(steps.each), units, n))
    gates_c[0, 4] = 0
    cells = ctx.views("cells", (gates_c, shares, squashed), _cells)
    stack = rolled(
        stacked(ctx, arrays), units, ctx.empty("rolled", (steps.given.shape[1], 4 * units))
    )
    # sigmoid(a) = 0.5 * tanh(0.5 * a) + 0.5, so that one tanh serves all gates.
    half = np.array(0.5, ctx.dtype)
    halved = ctx.empty("halved", stack.shape)
    np.copyto(halved, stack)
    halved[:, : 3 * units] *= half
    entering = in_pieces(halved.T, n)
    entered = *entering.shape[:2], n
    for step, cell in zip(steps.each, cells, strict=True):
        np.matmul(entering, step.given, out=cell.o_i_f_g.reshape(entered))
        np.tanh(cell.o_i_f_g, out=cell.o_i_f_g)
        np.multiply(cell.o_i_f, half, out=cell.o_i_f)
        np.add(cell.o_i_f, half, out=cell.o_i_f)
        if step.masked is not None:  # c' = 0 * 0 + 1 * c
            np.copyto(cell.o_i_f_g, 0, where=step.masked)
            np.copyto(cell.f, 1, where=step.masked)
        np.multiply(cell.i_f, cell.g_c, out=cell.shares)
        np.add(cell.fresh, cell.kept, out=cell.after)
        np.tanh(cell.after, out=cell.squashed)
        np.multiply(cell.o, cell.squashed, out=step.after)
        if step.masked is not None:
            np.copyto(step.after, step.h, where=step.masked)
    return Cells(cells, stack)


def lstm_steps_back(ctx: Context, steps: Steps, cells: Cells, dy: Array) -> Array:
    """Return the gradient of stack' [x; 1; h], (T, 4 units, n), for that of the output.

    dh' gives do and, by o * (1 - tanh(c')**2), a share of dc'; dc' gives di, df and dg, and
    f * dc' is the other share, at the step before.
    """
    count, (units, n) = len(cells.each), steps.h.shape[1:]
    dgates = ctx.empty("dgates", (count, 4, units, n))
    dc, dmade, reach = (ctx.empty(name, (units, n)) for name in ("dc", "dmade", "reach"))
    dc.fill(0)
    one = np.array(1, ctx.dtype)
    recurrent = in_pieces(cells.stack[-units:], n)
    left = *recurrent.shape[:2], n
    for (step, dh, earlier), cell, dz in zip(
        back_in_time(ctx, steps, dy), reversed(cells.each), dgates[::-1], strict=True
    ):
        do, _, _, dg = dz
        di_df, di_df_dg = dz[1:3], dz[1:]
        np.multiply(step.after, dh, out=dmade)
        if step.masked is not None:
            np.copyto(dmade, 0, where=step.masked)
        np.add(dc, np.multiply(cell.o, dh, out=reach), out=dc)
        np.subtract(dc, np.multiply(cell.squashed, dmade, out=reach), out=dc)
        np.subtract(one, cell.o_i_f, out=dz[:3])
        np.multiply(do, dmade, out=do)
        np.multiply(di_df, cell.shares, out=di_df)
        np.subtract(cell.i, np.multiply(cell.fresh, cell.g, out=dg), out=dg)
        np.multiply(di_df_dg, dc, out=di_df_dg)
        np.multiply(dc, cell.f, out=dc)
        np.matmul(recurrent, dz.reshape(4 * units, n), out=earlier.reshape(left))
        if step.masked is not None:
            np.copyto(earlier, dh, where=step.masked)
    return dgates.reshape(count, 4 * units, n)


def rolled(a: Array, by: int, out: Array) -> Array:
    """Write the columns of `a` to `out`, turned to the right, those at the end to the beginning."""
    np.copyto(out[:, by:], a[:, :-by])
    np.copyto(out[:, :by], a[:, -by:])
    return out


def _cells(gates_c: Array, shares: Array, squashed: Array) -> list[Cell]:
    """Return the views of all steps; c after one is c before the next."""
    return [
        Cell(
            o_i_f_g=now[:4],
            o_i_f=now[:3],
            i_f=now[1:3],
            g_c=now[3:],
            o=now[0],
            i=now[1],
            f=now[2],
            g=now[3],
            shares=share,
            fresh=share[0],
            kept=share[1],
            after=after,
            squashed=tanh_c,
        )
        for now, after, share, tanh_c in zip(
            gates_c, gates_c[1:, 4], shares, squashed, strict=False
        )
    ]

"""Scaled dot-product attention of several heads, and the way back.

For each row and each head, O = P V, P = softmax(Q K' / sqrt(d)) over the places of K and V; d is
the width of a head's queries and keys. Arrays with heads are (n, heads, places, width).
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from mlpk import Context
from mlpk.arrays import Array

from mlpk_attention.dropout import drawn_factors, times


class Attended(NamedTuple):
    """What the way back needs."""

    query: Array  # (n, heads, T, d), already divided by sqrt(d)
    key: Array  # (n, heads, S, d)
    value: Array  # (n, heads, S, d_value)
    weights: Array  # (n, heads, T, S): P
    factors: Array | None  # of dropout on P
    dropped: Array  # P times these factors
    output: Array  # (n, T, heads, d_value)


def attend(
    ctx: Context,
    query: Array,
    key: Array,
    value: Array,
    hidden: Array | None,
    *,
    heads: int,
    rate: float,
) -> tuple[Array, Attended]:
    """Return O, (n, T, heads * d_value), with the heads side by side as they are in the inputs.

    `query` (n, T, heads * d) is overwritten. Where `hidden` is true P is 0; a query that may see
    nothing has P = 0 everywhere, and O = 0.
    """
    query *= 1 / sqrt(query.shape[-1] // heads)
    q, k, v = (_by_head(x, heads) for x in (query, key, value))
    weights = ctx.empty("weights", (*q.shape[:3], k.shape[2]))
    np.matmul(q, k.swapaxes(2, 3), out=weights)
    _softmax(ctx, weights, hidden)
    factors = drawn_factors(ctx, "factors", weights.shape, rate)
    dropped = times(ctx, "dropped", weights, factors)
    output = ctx.empty("output", (*query.shape[:2], heads, v.shape[3]))
    np.matmul(dropped, v, out=output.swapaxes(1, 2))
    saved = Attended(q, k, v, weights, factors, dropped, output)
    return output.reshape(*query.shape[:2], -1), saved


def attend_back(ctx: Context, saved: Attended, doutput: Array) -> tuple[Array, Array, Array]:
    """Return dQ, dK and dV, laid out like the inputs, for dO (n, T, heads * d_value).

    dV = P' dO, dP = dO V', dS = P * (dP - sum(P * dP)), dQ = dS K / sqrt(d), dK = dS' Q / sqrt(d).
    The sum over the places of K is that of dO * O over the width: Dao et al., FlashAttention,
    2022, appendix B.
    """
    q, k, v, weights, factors, dropped, output = saved
    dheads = doutput.reshape(output.shape)
    sums = ctx.empty("sums", output.shape[:3])
    np.einsum("nthv,nthv->nth", dheads, output, out=sums)
    dheads = dheads.swapaxes(1, 2)
    dscores = np.matmul(dheads, v.swapaxes(2, 3), out=ctx.empty("dscores", weights.shape))
    if factors is not None:
        dscores *= factors
    dscores -= sums.swapaxes(1, 2)[..., None]
    dscores *= weights
    dquery = _product(ctx, "dquery", dscores, k)
    dquery *= 1 / sqrt(q.shape[3])
    dkey = _product(ctx, "dkey", dscores.swapaxes(2, 3), q)
    dvalue = _product(ctx, "dvalue", dropped.swapaxes(2, 3), dheads)
    return dquery, dkey, dvalue


def _by_head(x: Array, heads: int) -> Array:
    """Return a view (n, heads, places, width) of x (n, places, heads * width)."""
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def _product(ctx: Context, name: str, a: Array, b: Array) -> Array:
    """Return a b by head, as (n, places, heads * width)."""
    n, heads, places, _ = a.shape
    result = ctx.empty(name, (n, places, heads, b.shape[3]))
    np.matmul(a, b, out=result.swapaxes(1, 2))
    return result.reshape(n, places, -1)


def _softmax(ctx: Context, scores: Array, hidden: Array | None) -> None:
    """Write exp(s) / sum(exp(s)) of each row over the scores; 0 where hidden.

    The largest score of a row is taken off first, which changes nothing but that no exp overflows.
    """
    if hidden is not None:
        np.copyto(scores, -np.inf, where=hidden)
    row = ctx.empty("row", (*scores.shape[:3], 1))
    np.maximum.reduce(scores, axis=3, keepdims=True, out=row)
    # Where all is hidden, exp(-inf - 0) = 0 and 0 / 1 = 0 stand in for what is not defined.
    blind = np.equal(row, -np.inf, out=ctx.empty("blind", row.shape, np.bool_))
    np.copyto(row, 0, where=blind)
    np.exp(np.subtract(scores, row, out=scores), out=scores)
    np.add.reduce(scores, axis=3, keepdims=True, out=row)
    np.copyto(row, 1, where=blind)
    scores /= row

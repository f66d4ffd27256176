"""How much each row counts in a mean."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from attrs import Attribute

from mlpk import Context, ShapeError
from mlpk.arrays import Array


def row_weights(
    ctx: Context, weight: Array | None, rows: int, positions: tuple[int, ...] = ()
) -> Array:
    """Return scratch (rows, *positions), float64: each row's weight, 1 without weights."""
    weights = ctx.empty("weights", (rows, *positions), np.float64)
    if weight is None:
        weights.fill(1)
    elif weight.shape != (rows,):
        raise ShapeError(f"wanted one weight a row, shape ({rows},), found {weight.shape}")
    else:
        weights[...] = weight.reshape(rows, *(1 for _ in positions))
    return weights


def shares(ctx: Context, weights: Array) -> Array:
    """Return w / sum(w) in the model's dtype, with one axis of length 1 behind; 0 if the sum is 0."""
    shares = ctx.empty("shares", (*weights.shape, 1))
    total = float(weights.sum())
    if total == 0:
        shares.fill(0)
    else:
        np.divide(weights, total, out=shares[..., 0])
    return shares


def drop_uncounted(ctx: Context, values: Array, share: Array) -> None:
    """Write 0 to the values, in place, where the share is 0: times infinity it would be nan."""
    if not share.all():
        uncounted = np.logical_not(share, out=ctx.empty("uncounted", share.shape, np.bool_))
        np.copyto(values, 0, where=uncounted)


def mass_of(ctx: Context, each: Array, weight: Array | None) -> float:
    """Return the sum of the rows' weights, each times the mean of what its positions count.

    each (n, ...), float64.
    """
    n = len(each)
    rows = ctx.empty("mass", (n,), np.float64)
    np.mean(each.reshape(n, prod(each.shape[1:])), axis=1, out=rows)
    return float(rows.sum() if weight is None else np.dot(rows, weight))


def not_negative(_: object, attribute: Attribute[Any], given: tuple[float, ...] | None) -> None:
    """Refuse negative weights of classes."""
    if given is not None and min(given, default=0) < 0:
        raise ValueError(f"'{attribute.name}' must hold numbers from 0, found {given}")

"""How much each row counts in a mean."""

from __future__ import annotations

import numpy as np

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

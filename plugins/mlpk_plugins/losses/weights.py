"""How much each row counts in a mean."""

from __future__ import annotations

import numpy as np

from mlpk import Context, ShapeError
from mlpk.arrays import Array


def row_weights(ctx: Context, weight: Array | None, rows: int, positions: int = 1) -> Array:
    """Return (rows * positions,) float64: each row's weight at each of its positions, else ones."""
    spread = ctx.empty("weights", (rows * positions,), np.float64)
    if weight is None:
        spread.fill(1)
        return spread
    if weight.shape != (rows,):
        raise ShapeError(f"wanted one weight a row, shape ({rows},), found {weight.shape}")
    spread.reshape(rows, positions)[...] = weight[:, None]
    return spread


def shares(ctx: Context, weights: Array) -> Array:
    """Return w / sum(w) as a column, in the model's dtype; zeros where the sum is 0."""
    column = ctx.empty("shares", (len(weights), 1))
    total = float(weights.sum())
    if total == 0:
        column.fill(0)
    else:
        np.divide(weights, total, out=column[:, 0])
    return column

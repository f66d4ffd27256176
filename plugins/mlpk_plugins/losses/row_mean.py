"""The mean over all elements, each with the weight of its row."""

from __future__ import annotations

from math import prod

import numpy as np

from mlpk import Context
from mlpk.arrays import Array
from mlpk_plugins.losses.weights import row_weights, shares


def row_mean(ctx: Context, losses: Array, weight: Array | None) -> tuple[float, Array]:
    """Return sum(w * l) / sum(w) of losses l (n, ...), and what each element of a row counts in it.

    The second is scratch (n, 1). If all weights are 0, so are both.
    """
    n, elements = len(losses), prod(losses.shape[1:])
    share = shares(ctx, row_weights(ctx, weight, n))
    share /= elements
    rows = np.add.reduce(
        losses.reshape(n, elements), axis=1, keepdims=True, out=ctx.empty("rows", (n, 1))
    )
    rows *= share
    return 0.0 + float(np.sum(rows, dtype=np.float64)), share  # 0.0 + makes 0.0 of -0.0


def scaled(slopes: Array, share: Array) -> Array:
    """Return slopes dl/dy (n, ...), multiplied in place by what each element counts in the mean."""
    rows = slopes.reshape(len(slopes), prod(slopes.shape[1:]))
    rows *= share
    return slopes

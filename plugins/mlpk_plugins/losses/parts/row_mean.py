"""The mean over all elements, each with the weight of its row."""

from __future__ import annotations

from math import prod

import numpy as np

from mlpk import Context
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.weights import drop_uncounted, row_weights, shares


def row_mean(
    ctx: Context, losses: Array, weight: Array | None, each: Array | None = None
) -> tuple[float, Array]:
    """Return sum(w * l) / sum(w) of losses l (n, ...), and what the elements of a row count in it.

    w is the row's weight, times what each element counts if `each` (n, ...) tells. The second is
    scratch: (n, 1), or with `each` (n, elements). What weighs 0 counts for nothing, be its loss
    infinite or nan (with `each` that loss becomes 0, in place). If all weights are 0, so are both.
    """
    n, elements = len(losses), prod(losses.shape[1:])
    flat, rows = losses.reshape(n, elements), ctx.empty("rows", (n, 1))
    if each is None:
        share = shares(ctx, row_weights(ctx, weight, n))
        share /= elements
        np.add.reduce(flat, axis=1, keepdims=True, out=rows)
        drop_uncounted(ctx, rows, share)
        rows *= share
    else:
        weights = row_weights(ctx, weight, n, (elements,))
        weights *= each.reshape(n, elements)
        share = shares(ctx, weights)[..., 0]
        drop_uncounted(ctx, flat, share)
        np.einsum("ne,ne->n", flat, share, out=rows[:, 0])
    return 0.0 + float(np.sum(rows, dtype=np.float64)), share  # 0.0 + makes 0.0 of -0.0


def scaled(ctx: Context, slopes: Array, share: Array) -> Array:
    """Return slopes dl/dy (n, ...), multiplied in place by what each element counts in the mean.

    They are 0 where it counts for nothing, infinite or nan ones too.
    """
    rows = slopes.reshape(len(slopes), prod(slopes.shape[1:]))
    drop_uncounted(ctx, rows, share)
    rows *= share
    return slopes

"""The mean of squares written out once more, for faults to be planted in."""

import numpy as np

from mlpk import Implementation

HELD = {}


def forward(_loss, ctx, prediction, target, weight):
    n = len(prediction)
    error = ctx.empty("error", prediction.shape)
    np.subtract(prediction, target.reshape(prediction.shape), out=error)
    share = ctx.empty("share", (n,))
    share.fill(n / error.size)
    if weight is None:
        share /= n
    else:
        share *= weight
        share /= weight.sum() or 1
    rows = error.reshape(n, -1)
    rows[share == 0] = 0
    losses = np.einsum("ne,ne->n", rows, rows, out=ctx.empty("losses", (n,)))
    losses *= share
    return float(losses.sum()), (error, share)


def backward(_loss, ctx, saved, /):
    error, share = saved
    gradient = np.multiply(error, 2, out=ctx.empty("gradient", error.shape))
    gradient *= share.reshape(-1, *[1] * (error.ndim - 1))
    return gradient


IMPLEMENTATION = Implementation("mean_squared_error", forward=forward, backward=backward)

"""ReLU written out once more, for faults to be planted in."""

import numpy as np

from mlpk import Implementation

HELD = {}


def forward(_layer, _arrays, ctx, x):
    return np.maximum(x, 0, out=ctx.empty("y", x.shape)), x


def backward(_layer, _arrays, ctx, x, dy, _grads):
    reached = np.greater(x, 0, out=ctx.empty("reached", x.shape, np.bool_))
    return np.multiply(dy, reached, out=ctx.empty("dx", x.shape))


IMPLEMENTATION = Implementation("relu", forward=forward, backward=backward)

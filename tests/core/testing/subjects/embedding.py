"""Embedding written out once more, for faults to be planted in."""

import numpy as np

from mlpk import Implementation

HELD = {}


def forward(layer, arrays, ctx, x):
    layer.check(x)
    indices = ctx.empty("indices", x.shape, np.intp)
    indices[...] = x
    y = ctx.empty("y", (*x.shape, layer.units))
    return np.take(arrays["weight"], indices, axis=0, out=y, mode="clip"), indices


def backward(layer, _arrays, _ctx, indices, dy, grads):
    dweight = grads["weight"]
    dweight.fill(0)
    np.add.at(dweight, indices.reshape(-1), dy.reshape(-1, layer.units))


IMPLEMENTATION = Implementation("embedding", forward=forward, backward=backward)

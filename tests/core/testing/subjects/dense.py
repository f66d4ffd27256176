"""Dense written out once more, for faults to be planted in."""

import numpy as np

from mlpk import Implementation

HELD = {}


def forward(layer, arrays, ctx, x):
    rows = x.reshape(-1, x.shape[-1])
    y = np.matmul(rows, arrays["weight"], out=ctx.empty("y", (len(rows), layer.units)))
    if layer.bias:
        y += arrays["bias"]
    return y.reshape(*x.shape[:-1], layer.units), x


def backward(layer, arrays, ctx, x, dy, grads):
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, layer.units)
    np.matmul(rows.T, drows, out=grads["weight"])
    if layer.bias:
        np.sum(drows, axis=0, out=grads["bias"])
    if not ctx.needs_input_grad[0]:
        return None
    dx = np.matmul(drows, arrays["weight"].T, out=ctx.empty("dx", rows.shape))
    return dx.reshape(x.shape)


def serves(_layer, _shapes, _dtype):
    return True


IMPLEMENTATION = Implementation("dense", forward=forward, backward=backward, serves=serves)

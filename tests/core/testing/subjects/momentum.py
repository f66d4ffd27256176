"""Momentum written out once more, for faults to be planted in."""

import numpy as np

from mlpk import Implementation

HELD = {}


def update(optimizer, param, grad, slots, step):
    v, change = slots["v"], step.scratch("change", param)
    v *= optimizer.mu
    v += grad
    if optimizer.nesterov:
        np.multiply(v, optimizer.mu, out=change)
        change += grad
        change *= step.lr
    else:
        np.multiply(v, step.lr, out=change)
    param -= change


IMPLEMENTATION = Implementation("momentum", update=update)

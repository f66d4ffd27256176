"""The running averages of the gradient and of its square."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array

__all__ = ["update_moments"]


def update_moments(
    m: Array, v: Array, grad: Array, beta1: float, beta2: float, scratch: Array
) -> None:
    """Make it m = beta1 * m + (1 - beta1) * g and v = beta2 * v + (1 - beta2) * g * g, in place."""
    m *= beta1
    m += np.multiply(grad, 1 - beta1, out=scratch)
    np.multiply(grad, 1 - beta2, out=scratch)
    scratch *= grad
    v *= beta2
    v += scratch

"""The step that Adam and AdamW share."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np

from mlpk.arrays import Array
from mlpk.optimizer import Step

__all__ = ["adam_step"]


def adam_step(
    param: Array,
    grad: Array,
    slots: Mapping[str, Array],
    step: Step,
    *,
    beta1: float,
    beta2: float,
    eps: float,
    epsilon_hat: bool = False,
) -> None:
    """Bring the moments m and v up to date and take the step of `Adam`, in place.

    With c1 = 1 - beta1**t and c2 = 1 - beta2**t, the corrected step (m / c1) / (sqrt(v / c2) + eps)
    is sqrt(c2) / c1 * m / (sqrt(v) + eps * sqrt(c2)): the corrections become two numbers, and no
    corrected moment is ever stored.
    """
    m, v, change = slots["m"], slots["v"], step.scratch("change", param)
    m *= beta1
    m += np.multiply(grad, 1 - beta1, out=change)
    np.multiply(grad, 1 - beta2, out=change)
    change *= grad
    v *= beta2
    v += change

    root = sqrt(1 - beta2**step.t)
    np.sqrt(v, out=change)
    change += eps if epsilon_hat else eps * root
    np.divide(m, change, out=change)
    change *= step.lr * root / (1 - beta1**step.t)
    param -= change

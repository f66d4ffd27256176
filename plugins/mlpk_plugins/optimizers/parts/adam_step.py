"""The step that Adam shares with those that build on it."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np

from mlpk.arrays import Array
from mlpk.optimizer import Step
from mlpk_plugins.optimizers.parts.moments import update_moments

__all__ = ["adam_change", "adam_step"]


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
    """Bring the moments m and v up to date and take the step of `Adam`, in place."""
    param -= adam_change(
        grad, slots, step, step.lr, beta1=beta1, beta2=beta2, eps=eps, epsilon_hat=epsilon_hat
    )


def adam_change(
    grad: Array,
    slots: Mapping[str, Array],
    step: Step,
    lr: float,
    *,
    beta1: float,
    beta2: float,
    eps: float,
    epsilon_hat: bool = False,
) -> Array:
    """Bring the moments m and v up to date, and return scratch lr * mhat / (sqrt(vhat) + eps).

    With c1 = 1 - beta1**t and c2 = 1 - beta2**t, the corrected step (m / c1) / (sqrt(v / c2) + eps)
    is sqrt(c2) / c1 * m / (sqrt(v) + eps * sqrt(c2)): the corrections become two numbers, and no
    corrected moment is ever stored.
    """
    m, v, change = slots["m"], slots["v"], step.scratch("change", grad)
    update_moments(m, v, grad, beta1, beta2, change)
    root = sqrt(1 - beta2**step.t)
    np.sqrt(v, out=change)
    change += eps if epsilon_hat else eps * root
    np.divide(m, change, out=change)
    change *= lr * root / (1 - beta1**step.t)
    return change

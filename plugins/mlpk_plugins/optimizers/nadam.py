"""Nadam."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, gt, lt

from mlpk import Optimizer, Schedule, define
from mlpk.arrays import Array
from mlpk.optimizer import Step, not_negative
from mlpk_plugins.optimizers.parts.moments import update_moments

# Below this, 1 - product is 1 in float64.
NOTHING = 2.0**-54


@define
class Nadam(Optimizer):
    """p -= lr * mbar / (sqrt(vhat) + eps): `Adam` that looks ahead as Nesterov's momentum does.

    mbar = (1 - mu_t) * g / (1 - M_t) + mu_(t+1) * m / (1 - M_(t+1)), with
    mu_t = beta1 * (1 - 0.96**(t * momentum_decay) / 2) and M_t = mu_1 * ... * mu_t; m, v and vhat
    as in `Adam`. 0 <= beta1, beta2 < 1; eps > 0; momentum_decay >= 0. T. Dozat, Incorporating
    Nesterov momentum into Adam, ICLR workshop 2016, with its schedule of mu.
    """

    kind: ClassVar[str] = "nadam"
    decays: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    lr: Schedule | float = field(default=0.002, validator=not_negative)
    beta1: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    beta2: float = field(default=0.999, validator=and_(ge(0), lt(1)))
    eps: float = field(default=1e-8, validator=gt(0))
    momentum_decay: float = field(default=0.004, validator=ge(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        m, v = slots["m"], slots["v"]
        change, ahead = step.scratch("change", param), step.scratch("ahead", param)
        update_moments(m, v, grad, self.beta1, self.beta2, change)
        of_grad, of_m = _shares(self.beta1, self.momentum_decay, step.t)
        np.multiply(m, of_m, out=ahead)
        ahead += np.multiply(grad, of_grad, out=change)
        root = math.sqrt(1 - self.beta2**step.t)
        np.sqrt(v, out=change)
        change += self.eps * root
        np.divide(ahead, change, out=change)
        change *= step.lr * root
        param -= change


@lru_cache(maxsize=64)
def _shares(beta1: float, decay: float, t: int) -> tuple[float, float]:
    """Return what g and m count in mbar: (1 - mu_t) / (1 - M_t), mu_(t+1) / (1 - M_(t+1))."""

    def mu(t: int) -> float:
        return beta1 * (1 - 0.5 * math.pow(0.96, t * decay))

    product = 1.0
    for i in range(1, t + 1):
        product *= mu(i)
        if product < NOTHING:
            break
    return (1 - mu(t)) / (1 - product), mu(t + 1) / (1 - product * mu(t + 1))

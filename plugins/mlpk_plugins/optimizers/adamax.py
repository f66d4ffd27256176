"""AdaMax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, gt, lt

from mlpk import Optimizer, Schedule, define
from mlpk.arrays import Array
from mlpk.optimizer import Step, not_negative


@define
class AdaMax(Optimizer):
    """p -= lr * mhat / (u + eps): `Adam` with the largest gradient in place of the mean square.

    m = beta1 * m + (1 - beta1) * g, mhat = m / (1 - beta1**t); u = max(beta2 * u, |g|).
    0 <= beta1, beta2 < 1; eps > 0. Kingma and Ba, Adam: a method for stochastic optimization, ICLR
    2015, Algorithm 2, where eps is 0.
    """

    kind: ClassVar[str] = "adamax"
    decays: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("m", "u")

    lr: Schedule | float = field(default=0.002, validator=not_negative)
    beta1: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    beta2: float = field(default=0.999, validator=and_(ge(0), lt(1)))
    eps: float = field(default=1e-8, validator=gt(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        m, u, change = slots["m"], slots["u"], step.scratch("change", param)
        m *= self.beta1
        m += np.multiply(grad, 1 - self.beta1, out=change)
        u *= self.beta2
        np.maximum(u, np.abs(grad, out=change), out=u)
        np.add(u, self.eps, out=change)
        np.divide(m, change, out=change)
        change *= step.lr / (1 - self.beta1**step.t)
        param -= change

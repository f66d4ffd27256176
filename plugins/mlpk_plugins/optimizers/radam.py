"""RAdam."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, gt, lt

from mlpk import Optimizer, Schedule, define
from mlpk.arrays import Array
from mlpk.optimizer import Step, not_negative
from mlpk_plugins.optimizers.parts.moments import update_moments

# The paper says 4, where the variance begins to be finite; its authors' code, and PyTorch, 5.
ENOUGH = 5


@define
class RAdam(Optimizer):
    """p -= lr * r_t * mhat / (sqrt(vhat) + eps): `Adam`, held back while v rests on few gradients.

    m, v, mhat and vhat as in `Adam`. With rho = 2 / (1 - beta2) - 1 and
    rho_t = rho - 2 * t * beta2**t / (1 - beta2**t), the number of gradients that v averages,
    r_t**2 = (rho_t - 4) (rho_t - 2) rho / ((rho - 4) (rho - 2) rho_t) where rho_t > 5; until then
    p -= lr * mhat. 0 <= beta1, beta2 < 1; eps > 0. Liu et al., On the variance of the adaptive
    learning rate and beyond, ICLR 2020, Algorithm 2.
    """

    kind: ClassVar[str] = "radam"
    decays: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    lr: Schedule | float = field(default=0.001, validator=not_negative)
    beta1: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    beta2: float = field(default=0.999, validator=and_(ge(0), lt(1)))
    eps: float = field(default=1e-8, validator=gt(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        m, v, change = slots["m"], slots["v"], step.scratch("change", param)
        update_moments(m, v, grad, self.beta1, self.beta2, change)
        rate = step.lr / (1 - self.beta1**step.t)
        held_back = self._held_back(step.t)
        if held_back is None:
            np.multiply(m, rate, out=change)
        else:
            root = sqrt(1 - self.beta2**step.t)
            np.sqrt(v, out=change)
            change += self.eps * root
            np.divide(m, change, out=change)
            change *= rate * held_back * root
        param -= change

    def _held_back(self, t: int) -> float | None:
        """Return r_t, None while v is worth nothing."""
        power = self.beta2**t
        rho = 2 / (1 - self.beta2) - 1
        now = rho - 2 * t * power / (1 - power)
        if now <= ENOUGH:
            return None
        return sqrt((now - 4) * (now - 2) * rho / ((rho - 4) * (rho - 2) * now))

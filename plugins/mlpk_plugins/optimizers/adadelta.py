"""Adadelta."""

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
class Adadelta(Optimizer):
    """c = g * sqrt(d + eps) / sqrt(h + eps); p -= lr * c: steps in the unit of the parameters.

    h = rho * h + (1 - rho) * g * g before the step, d = rho * d + (1 - rho) * c * c after it.
    0 <= rho < 1, eps > 0. M. D. Zeiler, Adadelta: an adaptive learning rate method, 2012; there
    lr is 1, the default.
    """

    kind: ClassVar[str] = "adadelta"
    decays: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("h", "d")

    lr: Schedule | float = field(default=1.0, validator=not_negative)
    rho: float = field(default=0.95, validator=and_(ge(0), lt(1)))
    eps: float = field(default=1e-6, validator=gt(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        h, d = slots["h"], slots["d"]
        change, other = step.scratch("change", param), step.scratch("other", param)
        np.multiply(grad, 1 - self.rho, out=change)
        change *= grad
        h *= self.rho
        h += change
        np.add(h, self.eps, out=other)
        np.add(d, self.eps, out=change)
        change /= other
        np.sqrt(change, out=change)
        change *= grad
        np.multiply(change, 1 - self.rho, out=other)
        other *= change
        d *= self.rho
        d += other
        change *= step.lr
        param -= change

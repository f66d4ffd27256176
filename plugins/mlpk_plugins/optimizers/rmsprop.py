"""RMSprop."""

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
class RMSprop(Optimizer):
    """h = rho * h + (1 - rho) * g * g; p -= lr * g / (sqrt(h) + eps). 0 <= rho < 1, eps > 0.

    Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012.
    """

    kind: ClassVar[str] = "rmsprop"
    decays: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("h",)

    lr: Schedule | float = field(default=0.001, validator=not_negative)
    rho: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    eps: float = field(default=1e-8, validator=gt(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        h, change = slots["h"], step.scratch("change", param)
        np.multiply(grad, 1 - self.rho, out=change)
        change *= grad
        h *= self.rho
        h += change
        np.sqrt(h, out=change)
        change += self.eps
        np.divide(grad, change, out=change)
        change *= step.lr
        param -= change

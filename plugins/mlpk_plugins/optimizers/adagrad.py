"""AdaGrad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import gt

from mlpk import Optimizer, define
from mlpk.arrays import Array
from mlpk.optimizer import Step


@define
class AdaGrad(Optimizer):
    """h += g * g; p -= lr * g / (sqrt(h) + eps). eps > 0.

    Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic
    optimization, JMLR 12, 2011 (the diagonal form).
    """

    kind: ClassVar[str] = "adagrad"
    decays: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("h",)

    eps: float = field(default=1e-8, validator=gt(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        h, change = slots["h"], step.scratch("change", param)
        h += np.multiply(grad, grad, out=change)
        np.sqrt(h, out=change)
        change += self.eps
        np.divide(grad, change, out=change)
        change *= step.lr
        param -= change

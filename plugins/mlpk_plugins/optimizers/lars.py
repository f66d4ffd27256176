"""LARS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, gt, lt

from mlpk import Optimizer, Schedule, define
from mlpk.arrays import Array
from mlpk.norm import norm
from mlpk.optimizer import Step, not_negative


@define
class LARS(Optimizer):
    """v = mu * v + q * (g + weight_decay * p); p -= lr * v, for each array p of parameters.

    q = trust * |p| / (|g| + weight_decay * |p|), so that a step is a part of p however long its
    gradient; where |p| or the divisor is 0, q is 1. Made for `momentum` with very large batches.
    An array that declares no decay (biases, gamma, beta) takes plain momentum's step, q = 1 and no
    decay, as is usual: its length says nothing about the step it needs. 0 <= mu < 1; trust > 0;
    weight_decay >= 0. You, Gitman and Ginsburg, Large batch training of convolutional networks,
    2017, Algorithm 1; the rate stands outside v, as in `momentum`.
    """

    kind: ClassVar[str] = "lars"
    elementwise: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("v",)

    lr: Schedule | float = field(default=0.1, validator=not_negative)
    mu: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    trust: float = field(default=0.001, validator=gt(0))
    weight_decay: float = field(default=0.0005, validator=ge(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        v, change = slots["v"], step.scratch("change", param)
        v *= self.mu
        if step.decays:
            np.multiply(param, self.weight_decay, out=change)
            change += grad
            length = norm(param)
            divisor = norm(grad) + self.weight_decay * length
            if length and divisor:
                change *= self.trust * length / divisor
            v += change
        else:
            v += grad
        param -= np.multiply(v, step.lr, out=change)

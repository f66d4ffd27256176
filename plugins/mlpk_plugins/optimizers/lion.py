"""Lion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, lt

from mlpk import Optimizer, Schedule, define
from mlpk.arrays import Array
from mlpk.optimizer import Step, not_negative


@define
class Lion(Optimizer):
    """p -= lr * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * p).

    Then m = beta2 * m + (1 - beta2) * g. Every parameter moves by lr, whatever its gradient: take
    a rate three to ten times smaller than for `adamw`, and as much more decay. The decay is left
    out where a parameter declares none (biases, gamma, beta). 0 <= beta1, beta2 < 1;
    weight_decay >= 0. Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023,
    Algorithm 2.
    """

    kind: ClassVar[str] = "lion"
    slots: ClassVar[tuple[str, ...]] = ("m",)

    lr: Schedule | float = field(default=1e-4, validator=not_negative)
    beta1: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    beta2: float = field(default=0.99, validator=and_(ge(0), lt(1)))
    weight_decay: float = field(default=0.0, validator=ge(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        m = slots["m"]
        change, other = step.scratch("change", param), step.scratch("other", param)
        np.multiply(m, self.beta1, out=change)
        change += np.multiply(grad, 1 - self.beta1, out=other)
        np.sign(change, out=change)
        change *= step.lr
        if step.decays and self.weight_decay:
            change += np.multiply(param, step.lr * self.weight_decay, out=other)
        param -= change
        m *= self.beta2
        m += np.multiply(grad, 1 - self.beta2, out=other)

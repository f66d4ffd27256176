"""LAMB."""

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
from mlpk_plugins.optimizers.parts.adam_step import adam_change


@define
class LAMB(Optimizer):
    """p -= lr * |p| / |u| * u, for each array p of parameters: `AdamW`, as long as p itself.

    u = mhat / (sqrt(vhat) + eps) + weight_decay * p, the moments as in `Adam`; where |p| or |u| is
    0 their quotient is 1. Made for very large batches. An array that declares no decay (biases,
    gamma, beta) takes Adam's plain step, as is usual: its length says nothing about the step it
    needs. 0 <= beta1, beta2 < 1; eps > 0; weight_decay >= 0. You et al., Large batch optimization
    for deep learning: training BERT in 76 minutes, ICLR 2020, Algorithm 2 with phi(z) = z.
    """

    kind: ClassVar[str] = "lamb"
    elementwise: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    lr: Schedule | float = field(default=0.001, validator=not_negative)
    beta1: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    beta2: float = field(default=0.999, validator=and_(ge(0), lt(1)))
    eps: float = field(default=1e-6, validator=gt(0))
    weight_decay: float = field(default=0.01, validator=ge(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        change = adam_change(
            grad, slots, step, 1.0, beta1=self.beta1, beta2=self.beta2, eps=self.eps
        )
        rate = step.lr
        if step.decays:
            change += np.multiply(param, self.weight_decay, out=step.scratch("decay", param))
            lengths = norm(param), norm(change)
            if all(lengths):
                rate *= lengths[0] / lengths[1]
        change *= rate
        param -= change

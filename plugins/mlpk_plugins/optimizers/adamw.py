"""AdamW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, gt, lt

from mlpk import Optimizer, Schedule, define
from mlpk.arrays import Array
from mlpk.optimizer import Step, not_negative
from mlpk_plugins.optimizers.parts.adam_step import adam_step


@define
class AdamW(Optimizer):
    """p -= lr * (mhat / (sqrt(vhat) + eps) + weight_decay * p), the moments as in `Adam`.

    The decay acts on the parameter itself and stays out of the moments; it is left out where a
    parameter declares none (biases, gamma, beta). 0 <= beta1, beta2 < 1; eps > 0;
    weight_decay >= 0. Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019,
    Algorithm 2, with the decay scaled by the whole learning rate, as is usual.
    """

    kind: ClassVar[str] = "adamw"
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    lr: Schedule | float = field(default=0.001, validator=not_negative)
    beta1: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    beta2: float = field(default=0.999, validator=and_(ge(0), lt(1)))
    eps: float = field(default=1e-8, validator=gt(0))
    weight_decay: float = field(default=0.01, validator=ge(0))

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        if step.decays:
            # Not param *= 1 - decay: so close to 1, float32 is too coarse for a small decay.
            decay = step.lr * self.weight_decay
            param -= np.multiply(param, decay, out=step.scratch("change", param))
        adam_step(param, grad, slots, step, beta1=self.beta1, beta2=self.beta2, eps=self.eps)

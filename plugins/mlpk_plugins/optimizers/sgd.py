"""SGD."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from mlpk import Optimizer, define
from mlpk.arrays import Array
from mlpk.optimizer import Step


@define
class SGD(Optimizer):
    """p -= lr * g. Stochastic gradient descent, without memory.

    Robbins and Monro, A stochastic approximation method, 1951.
    """

    kind: ClassVar[str] = "sgd"
    decays: ClassVar[bool] = False

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        param -= np.multiply(grad, step.lr, out=step.scratch("step", param))

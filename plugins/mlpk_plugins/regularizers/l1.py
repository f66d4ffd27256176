"""L1."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Regularizer, define
from mlpk.arrays import Array


@define
class L1(Regularizer):
    """l1 * sum(abs(w)); its gradient is l1 * sign(w), 0 where w = 0. l1 >= 0.

    Tibshirani, Regression shrinkage and selection via the lasso, JRSS B 58, 1996.
    """

    kind: ClassVar[str] = "l1"

    l1: float = field(default=0.01, validator=ge(0))

    def penalty(self, param: Array) -> float:
        return self.l1 * float(np.abs(param).sum())

    def add_gradient(self, param: Array, grad: Array) -> None:
        gradient = np.sign(param)
        gradient *= self.l1
        grad += gradient

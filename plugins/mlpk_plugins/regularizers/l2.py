"""L2."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Regularizer, define
from mlpk.arrays import Array


@define
class L2(Regularizer):
    """0.5 * l2 * sum(w**2); its gradient is l2 * w. l2 >= 0.

    Hoerl and Kennard, Ridge regression, Technometrics 12, 1970. Keras leaves the 0.5 out.
    """

    kind: ClassVar[str] = "l2"

    l2: float = field(default=0.01, validator=ge(0))

    def penalty(self, param: Array) -> float:
        return 0.5 * self.l2 * float(np.vdot(param, param))

    def add_gradient(self, param: Array, grad: Array) -> None:
        grad += self.l2 * param

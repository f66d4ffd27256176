"""Momentum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, lt

from mlpk import Example, Optimizer, define
from mlpk.arrays import Array
from mlpk.optimizer import Step


@define
class Momentum(Optimizer):
    """v = mu * v + g; p -= lr * v. With `nesterov`, p -= lr * (g + mu * v).

    0 <= mu < 1. Polyak, Some methods of speeding up the convergence of iteration methods, 1964;
    the look-ahead as in Sutskever et al., On the importance of initialization and momentum in deep
    learning, ICML 2013. The rate stands outside v: with a constant rate the path is the same as
    with the rate inside.
    """

    kind: ClassVar[str] = "momentum"
    decays: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("v",)

    mu: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    nesterov: bool = False

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        v, change = slots["v"], step.scratch("change", param)
        v *= self.mu
        v += grad
        if self.nesterov:
            np.multiply(v, self.mu, out=change)
            change += grad
            change *= step.lr
        else:
            np.multiply(v, step.lr, out=change)
        param -= change

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls())
        yield Example(cls(nesterov=True))

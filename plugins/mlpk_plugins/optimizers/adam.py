"""Adam."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from attrs import field
from attrs.validators import and_, ge, gt, lt

from mlpk import Example, Optimizer, Schedule, define
from mlpk.arrays import Array
from mlpk.optimizer import Step, not_negative
from mlpk_plugins.optimizers.parts.adam_step import adam_step


@define
class Adam(Optimizer):
    """p -= lr * mhat / (sqrt(vhat) + eps), the moments of the gradient corrected for their start.

    m = beta1 * m + (1 - beta1) * g, mhat = m / (1 - beta1**t);
    v = beta2 * v + (1 - beta2) * g * g, vhat = v / (1 - beta2**t).
    0 <= beta1, beta2 < 1; eps > 0. Kingma and Ba, Adam: a method for stochastic optimization, ICLR
    2015, Algorithm 1.

    `epsilon_hat` is the variant at the end of the paper's section 2, and what Keras and
    scikit-learn compute: p -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + eps), so
    that eps weighs more in the first steps.
    """

    kind: ClassVar[str] = "adam"
    decays: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    lr: Schedule | float = field(default=0.001, validator=not_negative)
    beta1: float = field(default=0.9, validator=and_(ge(0), lt(1)))
    beta2: float = field(default=0.999, validator=and_(ge(0), lt(1)))
    eps: float = field(default=1e-8, validator=gt(0))
    epsilon_hat: bool = False

    def update(self, param: Array, grad: Array, slots: Mapping[str, Array], step: Step) -> None:
        adam_step(
            param,
            grad,
            slots,
            step,
            beta1=self.beta1,
            beta2=self.beta2,
            eps=self.eps,
            epsilon_hat=self.epsilon_hat,
        )

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls())
        yield Example(cls(epsilon_hat=True))

"""Polynomial."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import ge, gt

from mlpk import Example, Schedule, define


@define
class Polynomial(Schedule):
    """lr(t) = final + (lr - final) * (1 - t / steps) ** power, and final from t = steps on.

    With power 1, the default, a straight line. lr >= 0, steps >= 1, power > 0, final >= 0.
    """

    kind: ClassVar[str] = "polynomial"

    lr: float = field(validator=ge(0))
    steps: int = field(validator=ge(1))
    power: float = field(default=1.0, validator=gt(0))
    final: float = field(default=0.0, validator=ge(0))

    def at(self, t: int) -> float:
        left = math.pow(1 - min(t, self.steps) / self.steps, self.power)
        return self.final + (self.lr - self.final) * left

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(0.1, steps=10))
        yield Example(cls(0.1, steps=10, power=2.0, final=0.001))

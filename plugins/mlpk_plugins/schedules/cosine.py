"""Cosine."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi
from typing import ClassVar

from attrs import field
from attrs.validators import ge

from mlpk import Example, Schedule, define


@define
class Cosine(Schedule):
    """lr(t) = final + (lr - final) * (1 + cos(pi * t / steps)) / 2, and final from t = steps on.

    Half a cosine from lr down to final. lr >= 0, steps >= 1, final >= 0. Loshchilov and Hutter,
    SGDR: stochastic gradient descent with warm restarts, ICLR 2017, eq. 5, without restarts.
    """

    kind: ClassVar[str] = "cosine"

    lr: float = field(validator=ge(0))
    steps: int = field(validator=ge(1))
    final: float = field(default=0.0, validator=ge(0))

    def at(self, t: int) -> float:
        height = (1 + cos(pi * min(t, self.steps) / self.steps)) / 2
        return self.final + (self.lr - self.final) * height

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(0.1, steps=10, final=0.001))

"""Cosine with restarts."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi
from typing import ClassVar

from attrs import field
from attrs.validators import ge

from mlpk import Example, Schedule, define


@define
class CosineRestarts(Schedule):
    """lr(t) = final + (lr - final) * (1 + cos(pi * s / length)) / 2, again and again from lr down.

    s counts the updates since the last restart. The first period has the length `steps`, each
    later one is `growth` times as long as the one before. lr >= 0, steps >= 1, growth >= 1,
    final >= 0. Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR
    2017, eq. 5.
    """

    kind: ClassVar[str] = "cosine_restarts"

    lr: float = field(validator=ge(0))
    steps: int = field(validator=ge(1))
    growth: int = field(default=1, validator=ge(1))
    final: float = field(default=0.0, validator=ge(0))

    def at(self, t: int) -> float:
        since, length = self._place(t)
        return self.final + (self.lr - self.final) * (1 + cos(pi * since / length)) / 2

    def _place(self, t: int) -> tuple[int, int]:
        """Return the updates since the last restart, and the length of that period."""
        if self.growth == 1:
            return t % self.steps, self.steps
        length = self.steps
        while t >= length:
            t -= length
            length *= self.growth
        return t, length

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(0.1, steps=10))
        yield Example(cls(0.1, steps=10, growth=2, final=0.001))

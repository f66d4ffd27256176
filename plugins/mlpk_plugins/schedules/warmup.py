"""Warm-up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import ge

from mlpk import Example, Schedule, define
from mlpk_plugins.schedules.cosine import Cosine


@define
class Warmup(Schedule):
    """lr(t) = after(0) * (t + 1) / (steps + 1) for t < steps, then after(t - steps).

    A straight line up to the first rate of `after`, any other schedule, which begins where the
    line ends; no update is lost to a rate of zero. steps >= 1. Goyal et al., Accurate, large
    minibatch SGD, 2017, section 2.2.
    """

    kind: ClassVar[str] = "warmup"

    steps: int = field(validator=ge(1))
    after: Schedule

    def at(self, t: int) -> float:
        if t < self.steps:
            return self.after.at(0) * (t + 1) / (self.steps + 1)
        return self.after.at(t - self.steps)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(steps=4, after=Cosine(0.1, steps=10)))

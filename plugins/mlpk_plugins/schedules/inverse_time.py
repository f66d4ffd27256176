"""Inverse time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import ge, gt

from mlpk import Example, Schedule, define


@define
class InverseTime(Schedule):
    """lr(t) = lr / (1 + t / every): half of lr after `every` updates, a third after twice as many.

    lr >= 0, every > 0. Such rates add up to infinity and their squares do not, which is what
    Robbins and Monro, A stochastic approximation method, 1951, ask for.
    """

    kind: ClassVar[str] = "inverse_time"

    lr: float = field(validator=ge(0))
    every: float = field(validator=gt(0))

    def at(self, t: int) -> float:
        return self.lr / (1 + t / self.every)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(0.1, every=3))

"""Exponential."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import and_, ge, gt, le

from mlpk import Example, Schedule, define


@define
class Exponential(Schedule):
    """lr(t) = lr * factor ** (t / every): a little at a time, by `factor` over `every` updates.

    lr >= 0, every >= 1, 0 < factor <= 1. It meets `step` wherever t is a multiple of `every`.
    """

    kind: ClassVar[str] = "exponential"

    lr: float = field(validator=ge(0))
    every: int = field(validator=ge(1))
    factor: float = field(default=0.1, validator=and_(gt(0), le(1)))

    def at(self, t: int) -> float:
        return self.lr * math.pow(self.factor, t / self.every)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(0.1, every=3, factor=0.5))

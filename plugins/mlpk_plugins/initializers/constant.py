"""Constant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Example, Initializer, define
from mlpk.arrays import Array


@define
class Constant(Initializer):
    """Every value is `value`."""

    kind: ClassVar[str] = "constant"

    value: float

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        return np.full(shape, self.value)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(0.5))

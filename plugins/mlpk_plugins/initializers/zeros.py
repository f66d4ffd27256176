"""Zeros."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mlpk import Initializer, define
from mlpk.arrays import Array


@define
class Zeros(Initializer):
    """Every value is 0."""

    kind: ClassVar[str] = "zeros"

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        return np.zeros(shape)

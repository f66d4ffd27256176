"""Ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mlpk import Initializer, define
from mlpk.arrays import Array


@define
class Ones(Initializer):
    """Every value is 1."""

    kind: ClassVar[str] = "ones"

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        return np.ones(shape)

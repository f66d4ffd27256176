"""Uniform."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import gt

from mlpk import Initializer, define
from mlpk.arrays import Array


@define
class Uniform(Initializer):
    """w ~ U(-limit, limit), whatever the fans: variance limit**2 / 3.

    limit > 0; 0.05 is the default of Keras, too.
    """

    kind: ClassVar[str] = "uniform"

    limit: float = field(default=0.05, validator=gt(0))

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        return rng.uniform(-self.limit, self.limit, shape)

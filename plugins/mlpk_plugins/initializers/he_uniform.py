"""He uniform."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np

from mlpk import Initializer, define
from mlpk.arrays import Array


@define
class HeUniform(Initializer):
    """w ~ U(-l, l), l = sqrt(6 / n_in): variance 2 / n_in, for layers that feed a ReLU.

    He, Zhang, Ren and Sun, Delving deep into rectifiers, ICCV 2015, eq. 10.
    """

    kind: ClassVar[str] = "he_uniform"

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        limit = sqrt(6 / fans[0])
        return rng.uniform(-limit, limit, shape)

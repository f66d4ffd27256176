"""LeCun uniform."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np

from mlpk import Initializer, define
from mlpk.arrays import Array


@define
class LecunUniform(Initializer):
    """w ~ U(-l, l), l = sqrt(3 / n_in): variance 1 / n_in.

    LeCun, Bottou, Orr and Müller, Efficient backprop, 1998, section 4.6.
    """

    kind: ClassVar[str] = "lecun_uniform"

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        limit = sqrt(3 / fans[0])
        return rng.uniform(-limit, limit, shape)

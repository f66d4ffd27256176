"""Glorot uniform."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from mlpk import Initializer, define
from mlpk.arrays import Array


@define
class GlorotUniform(Initializer):
    """w ~ U(-l, l), l = sqrt(6 / (n_in + n_out)): variance 2 / (n_in + n_out).

    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010, eq. 16.
    """

    kind: ClassVar[str] = "glorot_uniform"

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        limit = np.sqrt(6 / sum(fans))
        return rng.uniform(-limit, limit, shape)

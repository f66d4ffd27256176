"""Glorot normal."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import ClassVar

import numpy as np

from mlpk import Example, Initializer, define
from mlpk.arrays import Array
from mlpk_plugins.initializers.parts.gaussian import gaussian


@define
class GlorotNormal(Initializer):
    """w ~ N(0, s**2), s = sqrt(2 / (n_in + n_out)).

    `truncated` cuts the normal at two standard deviations and keeps the variance.
    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010, eq. 12.
    """

    kind: ClassVar[str] = "glorot_normal"

    truncated: bool = False

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        return gaussian(rng, shape, sqrt(2 / sum(fans)), truncated=self.truncated)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls())
        yield Example(cls(truncated=True))

"""LeCun normal."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import ClassVar

import numpy as np

from mlpk import Example, Initializer, define
from mlpk.arrays import Array
from mlpk_plugins.initializers.parts.gaussian import gaussian


@define
class LecunNormal(Initializer):
    """w ~ N(0, s**2), s = sqrt(1 / n_in): for SELU and other units of unit gain.

    `truncated` cuts the normal at two standard deviations and keeps the variance.
    LeCun, Bottou, Orr and Müller, Efficient backprop, 1998, section 4.6.
    """

    kind: ClassVar[str] = "lecun_normal"

    truncated: bool = False

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        return gaussian(rng, shape, sqrt(1 / fans[0]), truncated=self.truncated)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls())
        yield Example(cls(truncated=True))

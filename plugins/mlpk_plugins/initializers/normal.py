"""Normal."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import gt

from mlpk import Initializer, define
from mlpk.arrays import Array


@define
class Normal(Initializer):
    """w ~ N(0, std**2), whatever the fans. std > 0; 0.05 is the default of Keras, too."""

    kind: ClassVar[str] = "normal"

    std: float = field(default=0.05, validator=gt(0))

    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        return rng.normal(0.0, self.std, shape)

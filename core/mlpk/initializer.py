"""The interface of first values."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from mlpk.arrays import Array
from mlpk.kind import Kind

__all__ = ["Initializer"]


class Initializer(Kind):
    """Draws the first values of a parameter."""

    family: ClassVar[str] = "initializers"

    @abstractmethod
    def draw(
        self, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[int, int]
    ) -> Array:
        """Return float64 values of `shape`; `fans` are (in, out), per gate or group where there are such."""

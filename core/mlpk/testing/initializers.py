"""What every initializer has to keep."""

from __future__ import annotations

import numpy as np

from mlpk.example import Example
from mlpk.initializer import Initializer

__all__ = ["CHECKS"]

SHAPE = (6, 4)
FANS = (6, 4)


def shape_and_type_are_right(example: Example) -> None:
    """Values are finite float64 of the shape asked for."""
    values = _initializer(example).draw(np.random.default_rng(0), SHAPE, FANS)
    assert values.shape == SHAPE
    assert values.dtype == np.float64
    assert np.isfinite(values).all()


def randomness_is_the_generators(example: Example) -> None:
    """One generator state gives one answer."""
    initializer = _initializer(example)
    first, second = (initializer.draw(np.random.default_rng(5), SHAPE, FANS) for _ in range(2))
    assert np.array_equal(first, second)


CHECKS = (shape_and_type_are_right, randomness_is_the_generators)


def _initializer(example: Example) -> Initializer:
    assert isinstance(example.instance, Initializer)
    return example.instance

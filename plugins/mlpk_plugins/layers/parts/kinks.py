"""Inputs for examples that keep away from kinks, where differences tell no slope."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array


def off_zero(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return values in (-2, 2) on both sides of 0, at least 0.1 from it."""
    return rng.choice((-1.0, 1.0), shape) * rng.uniform(0.1, 2.0, shape)


def off_ends(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return values on both sides of -3 and of 3, at least 0.1 from these."""
    return rng.choice((-6.0, 0.0, 6.0), shape) + rng.uniform(-2.9, 2.9, shape)

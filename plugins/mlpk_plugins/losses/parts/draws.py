"""What several losses draw in their examples."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array


def three_probabilities(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return probabilities (*shape, 3) of three classes, all well above 0."""
    return rng.dirichlet((8.0, 8.0, 8.0), shape)

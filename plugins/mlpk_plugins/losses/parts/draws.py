"""What the examples of several losses draw."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array


def three_probabilities(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return probabilities (*shape, 3) of three classes, all well above 0."""
    return rng.dirichlet((8.0, 8.0, 8.0), shape)


def scores_and_signs(
    rng: np.random.Generator,
    scores: tuple[int, ...],
    signs: tuple[int, ...],
    among: tuple[int, ...] = (-1, 1),
) -> tuple[Array, Array]:
    """Return scores of a shape, and targets of another out of `among`."""
    return rng.standard_normal(scores), rng.choice(among, signs)

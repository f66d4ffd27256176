"""Examples of several losses, and what they draw."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlpk import Example, Loss
from mlpk.arrays import Array


def three_probabilities(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return probabilities (*shape, 3) of three classes, all well above 0."""
    return rng.dirichlet((8.0, 8.0, 8.0), shape)


def examples_of_margins(plain: Loss, weighing: Loss) -> Iterator[Example]:
    """Yield examples of losses of scores and signs; `weighing` weighs these, and ignores 0."""
    yield Example(plain, (1,), draw=lambda rng, n: _scored(rng, (n, 1), (n,)))
    yield Example(plain, (2, 3), draw=lambda rng, n: _scored(rng, (n, 2, 3), (n, 2, 3)))
    yield Example(
        weighing, (2, 3), draw=lambda rng, n: _scored(rng, (n, 2, 3), (n, 2, 3), (-1, 0, 1))
    )


def _scored(
    rng: np.random.Generator,
    scores: tuple[int, ...],
    signs: tuple[int, ...],
    among: tuple[int, ...] = (-1, 1),
) -> tuple[Array, Array]:
    """Return scores of a shape, and targets of another out of `among`."""
    return rng.standard_normal(scores), rng.choice(among, signs)

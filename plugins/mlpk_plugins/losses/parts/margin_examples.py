"""Examples of losses of margins: scores, and signs as targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlpk import Example, Loss
from mlpk.arrays import Array


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

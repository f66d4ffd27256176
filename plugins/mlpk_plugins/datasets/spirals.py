"""Spirals: arms that wind around one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlpk.streams import checked_seed, stream
from mlpk_plugins.datasets.parts.rows import checked_rows

__all__ = ["spirals"]

ARMS = 3
TURN = 4.0  # radians from the centre to the end of an arm
NOISE = 0.2  # radians


def spirals(n: int = 300, seed: int | None = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return n >= 1 points on three noisy spirals, and the spiral of each: x, y.

    y_i = i mod 3, t ~ U(0, 1), e ~ N(0, 1), a = 2 pi y / 3 + 4 t + 0.2 e,
    x = (t cos a, t sin a)

    x (n, 2), float32, inside the unit circle; y (n,), int64. Equal seeds give equal points; None
    draws fresh ones.

    After Lang and Witbrock, Learning to tell two spirals apart, 1988.
    """
    rng = stream(checked_seed(seed), "spirals")
    y = np.arange(checked_rows(n, "spirals.n"), dtype=np.int64) % ARMS
    t = rng.random(len(y))
    angle = 2 * np.pi * y / ARMS + TURN * t + NOISE * rng.standard_normal(len(y))
    x = np.stack([t * np.cos(angle), t * np.sin(angle)], axis=1)
    return x.astype(np.float32), y

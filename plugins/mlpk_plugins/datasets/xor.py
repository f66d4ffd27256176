"""XOR: the smallest task that no linear model can do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlpk.streams import checked_seed, stream
from mlpk_plugins.datasets.parts.rows import checked_rows

__all__ = ["xor"]


def xor(n: int = 300, seed: int | None = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return n >= 1 points of the plane and whether their signs differ: x, y.

    x (n, 2) ~ N(0, 1), float32; y (n,), int64, 1 where exactly one of the two is positive, else 0.
    Equal seeds give equal points; None draws fresh ones.

    Minsky and Papert, Perceptrons, 1969, tell why one layer cannot learn it.
    """
    rng = stream(checked_seed(seed), "xor")
    x = rng.standard_normal((checked_rows(n, "xor.n"), 2), dtype=np.float32)
    positive = x > 0
    return x, (positive[:, 0] != positive[:, 1]).astype(np.int64)

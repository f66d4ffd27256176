"""Arrays that layers are given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mlpk.arrays import Array


@pytest.fixture(scope="session")
def drawn() -> Callable[..., Array]:
    """Return what draws an array of a shape: `drawn(2, 3, seed=1, dtype=np.float32)`."""

    def draw(*shape: int, seed: int = 0, dtype: type = np.float64) -> Array:
        return np.random.default_rng(seed).standard_normal(shape).astype(dtype)

    return draw

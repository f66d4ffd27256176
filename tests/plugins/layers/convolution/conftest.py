"""How near convolutions come to what is computed otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mlpk.arrays import Array


@pytest.fixture(scope="session")
def close() -> Callable[[Array, Array], None]:
    """Return what asserts that two arrays of float64 agree but for rounding."""

    def assert_close(found: Array, wanted: Array) -> None:
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-11)

    return assert_close

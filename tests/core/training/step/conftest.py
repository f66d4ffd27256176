"""A small net, rows for it, and its parameters in one piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

import mlpk
from mlpk.arrays import Array


class Rows(NamedTuple):
    """Inputs (22, 4), labels of three classes (22,), and weights (22,)."""

    x: Array
    y: Array
    weight: Array


@pytest.fixture
def rows() -> Rows:
    """Return rows, the same for each test."""
    rng = np.random.default_rng(5)
    return Rows(rng.standard_normal((22, 4)), rng.integers(3, size=22), rng.random(22))


@pytest.fixture(scope="session")
def smooth() -> Callable[[], mlpk.Model]:
    """Return what makes a net whose gradient is a mean over rows."""
    layers = [{"kind": "dense", "units": 5}, "tanh", {"kind": "dense", "units": 3}]
    return lambda: mlpk.Model(layers, input_shape=(4,), dtype="float64", seed=0)


@pytest.fixture(scope="session")
def params() -> Callable[[mlpk.Model], Array]:
    """Return what copies all parameters of a model into one vector."""
    return lambda model: np.concatenate([array.ravel() for array in model.params.values()])

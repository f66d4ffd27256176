"""Small nets and real digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk.arrays import Array

ROWS = 203  # no multiple of any batch size that the tests use


@pytest.fixture(scope="session")
def digits() -> tuple[Array, Array]:
    """Return the first rows of the real digits, (N, 64) and labels (N,); read-only."""
    x, y, _, _ = mlpk.datasets.digits()
    x, y = x[:ROWS].reshape(ROWS, 64), y[:ROWS]
    x.flags.writeable = y.flags.writeable = False
    return x, y


@pytest.fixture
def net() -> Callable[..., mlpk.Model]:
    """Return what makes a net for the digits: everything that training has to keep, unless told."""

    def make(*layers: Any, seed: int = 0, dtype: str = "float32", shape: Any = (64,)) -> mlpk.Model:
        usual = (
            {"kind": "dense", "units": 12},
            "batch_norm",
            "relu",
            {"kind": "dropout", "rate": 0.25},
            {"kind": "dense", "units": 10},
        )
        return mlpk.Model(layers or usual, input_shape=shape, dtype=dtype, seed=seed)

    return make


@pytest.fixture
def fit() -> Callable[..., mlpk.History]:
    """Return `model.fit` with the usual loss and optimizer, in silence."""

    def run(model: mlpk.Model, x: Any, y: Any = None, **more: Any) -> mlpk.History:
        usual = {
            "loss": "softmax_cross_entropy",
            "optimizer": "adam",
            "batch_size": 32,
            "progress": False,
        }
        return model.fit(x, y, **{**usual, **more})

    return run


@pytest.fixture
def arrays() -> Callable[[mlpk.Model], dict[str, Array]]:
    """Return what copies parameters and buffers of a model."""
    return lambda model: {
        name: np.array(array) for name, array in (*model.params.items(), *model.buffers.items())
    }

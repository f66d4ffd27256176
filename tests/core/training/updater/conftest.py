"""Models whose gradients are put there by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import mlpk


@pytest.fixture
def two_layers() -> Callable[..., mlpk.Model]:
    """Return what makes a model with four inputs, and batch normalisation between two layers."""

    def make(dtype: str = "float64") -> mlpk.Model:
        layers = [{"kind": "dense", "units": 3}, "batch_norm", {"kind": "dense", "units": 2}]
        return mlpk.Model(layers, input_shape=(4,), dtype=dtype, seed=0)

    return make


@pytest.fixture(scope="session")
def with_grads() -> Callable[..., mlpk.Model]:
    """Return what gives all gradients of a model one value: `with_grads(model, 0.0)`."""

    def fill(model: mlpk.Model, value: float = 1.0) -> mlpk.Model:
        for grad in model.grads.values():
            grad.fill(value)
        return model

    return fill

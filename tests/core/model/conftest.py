"""Networks to begin with: two layers, one with every sort of state, one with two ends each way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import mlpk
from mlpk import Input, Model

Build = Callable[..., Model]
dense = mlpk.layers.dense


@pytest.fixture(scope="session")
def two_layers() -> Build:
    """Return what builds dense(4), sigmoid, dense(2), with options such as `seed=1`."""

    def build(**options: Any) -> Model:
        layers = [dense(units=4), "sigmoid", dense(units=2)]
        return Model(layers, **{"input_shape": (3,), "seed": 0, "dtype": "float64", **options})

    return build


@pytest.fixture(scope="session")
def mixed() -> Build:
    """Return what builds a network with every sort of state: running statistics and dropout."""

    def build() -> Model:
        layers = [dense(units=8), "batch_norm", "relu", {"kind": "dropout", "rate": 0.5}]
        return Model([*layers, dense(units=2)], input_shape=(3,), seed=0)

    return build


@pytest.fixture(scope="session")
def two_ended() -> Build:
    """Return what builds two inputs and two outputs: total = A a + B b, and left = A a itself."""

    def build() -> Model:
        a, b = Input((3,), name="a"), Input((2,), name="b")
        left = dense(units=2, bias=False)(a, name="left")
        right = dense(units=2, bias=False)(b, name="right")
        total = mlpk.layers.add()(left, right, name="total")
        return Model(inputs=[a, b], outputs=[total, left], seed=0, dtype="float64")

    return build

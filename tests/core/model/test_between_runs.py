"""What runs and steps of training leave to those that come after them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import mlpk
from mlpk import Model

Build = Callable[..., Model]
X = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)


def test_each_training_forward_drops_others() -> None:
    model = Model([{"kind": "dropout", "rate": 0.5}], input_shape=(100,), seed=0)
    ones = np.ones((10, 100), np.float32)
    first, second = model.forward(ones, training=True), model.forward(ones, training=True)
    assert set(np.unique(first)) == {0, 2}
    assert not np.array_equal(first, second)
    again = Model([{"kind": "dropout", "rate": 0.5}], input_shape=(100,), seed=0)
    assert np.array_equal(again.forward(ones, training=True), first)


def test_runs_have_seeds_of_their_own_the_first_the_model_s(two_layers: Build) -> None:
    model, other = two_layers(seed=5), two_layers(seed=5)
    seeds = [model.next_seed() for _ in range(3)]
    assert seeds[0] == 5
    assert len(set(seeds)) == 3
    assert [other.next_seed() for _ in range(3)] == seeds


def test_a_loop_of_one_s_own_after_a_run_with_frozen_nodes_computes_all(two_layers: Build) -> None:
    model = two_layers()
    options: dict[str, Any] = {"loss": "mean_squared_error", "optimizer": "sgd", "progress": False}
    model.fit(X, X[:, :2], frozen=["dense"], **options)
    assert not model.grads["dense/weight"].any()
    model.forward(X, training=True)
    model.backward(np.ones((20, 2)))
    assert model.grads["dense/weight"].all()


def test_training_goes_on_where_a_model_was_saved(two_layers: Build, tmp_path: Path) -> None:
    model, y = two_layers(dtype="float32"), (X[:, 0] > 0).astype(int)
    before = model.evaluate(X, y, loss="softmax_cross_entropy")["loss"]
    model.fit(X, y, loss="softmax_cross_entropy", optimizer="adam", epochs=2, progress=False)
    model.save(tmp_path / "a.mlpk")
    again = mlpk.load(tmp_path / "a.mlpk")
    assert again.evaluate(X, y, loss="softmax_cross_entropy")["loss"] < before

"""Models pickle and copy through the bytes of a file."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import Model

Build = Callable[..., Model]
X = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_copy_is_the_same_and_its_own(mixed: Build, again: Any) -> None:
    model = mixed()
    model.forward(X, training=True)
    model.meta = {"a": "b"}
    other = again(model)
    assert (other.spec, other.seed, other.meta) == (model.spec, model.seed, model.meta)
    assert np.array_equal(other.predict(X), model.predict(X))
    before = model.predict(X)
    other.params["dense/weight"][:] = 0
    other.buffers["batch_norm/running_mean"][:] = 9
    other.meta["a"] = "c"
    assert np.array_equal(model.predict(X), before)
    assert model.meta == {"a": "b"}


def test_a_copy_trains_like_the_original(mixed: Build) -> None:
    model = mixed()
    other = copy.deepcopy(model)
    for one in (model, other):
        one.forward(X, training=True)
        one.backward(np.ones((20, 2)))
        mlpk.optimizers.sgd(lr=0.1).attach(one).step()
    for name, array in model.params.items():
        assert np.array_equal(array, other.params[name])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("runs", [0, 1, 2])
def test_a_copy_trains_as_the_model_does(
    two_layers: Build, copied: Callable[[Model], Model], runs: int
) -> None:
    y = (X[:, 0] > 0).astype(int)
    options: dict[str, Any] = {
        "loss": "softmax_cross_entropy", "optimizer": "adam", "batch_size": 4, "progress": False,
    }  # fmt: skip
    model = two_layers()
    for _ in range(runs):
        model.fit(X, y, **options)
    other = copied(model)
    for _ in range(2):
        assert other.fit(X, y, **options).metrics == model.fit(X, y, **options).metrics
    assert other.seed == model.seed

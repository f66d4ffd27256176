"""An optimizer at work on a model, pickled and copied."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlpk


@pytest.mark.parametrize(
    "copied", [lambda pair: pickle.loads(pickle.dumps(pair)), copy.deepcopy], ids=["pickle", "copy"]
)
def test_with_its_model_it_is_pickled_and_copied_and_goes_on_alike(
    copied: Callable[[Any], Any],
) -> None:
    model = mlpk.Model([mlpk.layers.dense(units=3), mlpk.layers.dense(units=2)], input_shape=(4,))
    updater = mlpk.optimizers.adamw(lr=0.1).attach(model)
    updater.configure(frozen=["dense_1"], lr_factors={"dense": 0.5})

    def step(model: mlpk.Model, updater: mlpk.training.Updater) -> None:
        for grad in model.grads.values():
            grad[...] = np.linspace(-1, 1, grad.size).reshape(grad.shape)
        updater.step()

    step(model, updater)
    again, other = copied((model, updater))
    assert other.model is again
    assert other.t == 1
    for _ in range(2):
        step(model, updater)
        step(again, other)
    assert other.t == 3
    for name, param in model.params.items():
        assert np.array_equal(again.params[name], param), name
        assert not np.shares_memory(again.params[name], param)

"""A part of a network, on the same arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import MlpkError, Model

Build = Callable[..., Model]
X = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)


def test_it_gives_what_that_node_gives(two_layers: Build) -> None:
    model = two_layers()
    h = 1 / (1 + np.exp(-(X @ model.params["dense/weight"] + model.params["dense/bias"])))
    part = model.submodel("sigmoid")
    assert np.allclose(part.predict(X), h, rtol=1e-6)
    assert list(part.params) == ["dense/weight", "dense/bias"]
    assert list(part.spec.outputs) == ["sigmoid"]


def test_arrays_and_gradients_are_shared(two_layers: Build) -> None:
    model = two_layers()
    part = model.submodel(output="dense")
    assert part.params["dense/weight"] is model.params["dense/weight"]
    model.params["dense/weight"][:] = 0
    assert np.allclose(part.predict(X), model.params["dense/bias"])
    part.forward(X, training=True)
    part.backward(np.ones((20, 4)))
    assert model.grads["dense/bias"].tolist() == [20] * 4
    assert not model.grads["dense_1/bias"].any()


def test_training_the_part_trains_the_whole(two_layers: Build) -> None:
    model = two_layers()
    held = {name: array.copy() for name, array in model.params.items()}
    part = model.submodel("dense")
    part.forward(X, training=True)
    part.backward(np.ones((20, 4)))
    mlpk.optimizers.sgd(lr=1.0).attach(part).step()
    assert np.allclose(model.params["dense/bias"], held["dense/bias"] - 20)
    assert np.array_equal(model.params["dense_1/bias"], held["dense_1/bias"])


def test_buffers_are_shared(mixed: Build) -> None:
    model = mixed()
    model.submodel("batch_norm").forward(X, training=True)
    mean = (X @ model.params["dense/weight"]).mean(axis=0)
    assert np.allclose(model.buffers["batch_norm/running_mean"], 0.1 * mean, atol=1e-6)


def test_several_outputs_and_a_part_of_a_part(two_layers: Build) -> None:
    model = two_layers()
    parts = model.submodel(["sigmoid", "dense"])
    found = parts.predict(X)
    assert list(found) == ["sigmoid", "dense"]
    assert np.allclose(found["sigmoid"], 1 / (1 + np.exp(-found["dense"])))
    assert np.array_equal(parts.submodel("dense").predict(X), found["dense"])


def test_inputs_that_lead_elsewhere_are_left_out(two_ended: Build) -> None:
    part = two_ended().submodel("left")
    assert list(part.graph.inputs) == ["a"]
    assert part.predict(np.ones((1, 3))).shape == (1, 2)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("dens", "there is no node 'dens'. Did you mean 'dense'?"),
        ("input", "there is no node 'input'."),
        ([], "a network needs at least one output, found none"),
        (["dense", "dense"], "an output is named twice: dense, dense"),
        (3, "output: wanted the name of a node, or a list of them, found 3 (int)"),
        (None, "output: wanted the name of a node, or a list of them, found None"),
    ],
)
def test_what_is_no_node_is_told(two_layers: Build, output: Any, sentence: str) -> None:
    with pytest.raises(MlpkError) as caught:
        two_layers().submodel(output)
    assert str(caught.value).startswith(sentence)

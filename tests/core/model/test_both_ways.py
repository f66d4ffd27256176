"""Forward and backward, for those who write their own loop."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import GraphError, MlpkError, Model

Build = Callable[..., Model]
dense = mlpk.layers.dense
RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 3)).astype(np.float32)


def test_the_output_is_the_caller_s_own(mixed: Build) -> None:
    model = mixed()
    first = model.forward(X)
    held = first.copy()
    model.forward(X + 1)
    assert np.array_equal(first, held)
    first[:] = 0
    assert np.array_equal(model.forward(X), held)


def test_so_is_the_gradient_of_the_input(two_layers: Build) -> None:
    model = two_layers()
    model.forward(X)
    first = model.backward(np.ones((20, 2)), inputs=True)
    held = first.copy()
    model.backward(np.zeros((20, 2)), inputs=True)
    assert np.array_equal(first, held)


def test_nothing_that_is_handed_over_is_changed() -> None:
    model = Model(["identity", dense(units=3), "relu"], input_shape=(3,), seed=0)
    x, d = X.copy(), np.ones((20, 3), np.float32)
    for array in (x, d):
        array.flags.writeable = False
    model.forward(x, training=True)
    model.backward(d, inputs=True)
    model.predict(x)
    assert np.array_equal(x, X)


def test_an_output_that_is_the_input_is_a_copy() -> None:
    model = Model(["identity"], input_shape=(3,))
    for output in (model.forward(X), model.predict(X)):
        assert np.array_equal(output, X)
        assert not np.shares_memory(output, X)


def test_training_is_an_argument_and_nothing_remembers_it(mixed: Build) -> None:
    model = mixed()
    before = model.forward(X)
    mean = model.buffers["batch_norm/running_mean"].copy()
    assert not np.array_equal(model.forward(X, training=True), before)
    assert not np.array_equal(model.buffers["batch_norm/running_mean"], mean)
    after = model.forward(X)
    assert np.array_equal(model.forward(X), after)
    assert np.allclose(model.predict(X), after, rtol=1e-5, atol=1e-6)


def test_backward_follows_an_evaluation_forward_too(mixed: Build) -> None:
    model = mixed()
    model.forward(X, training=True)
    model.forward(X)
    model.backward(np.ones((20, 2)))
    assert model.grads["dense_1/bias"].tolist() == [20, 20]


def test_rows_may_change_from_call_to_call(two_layers: Build) -> None:
    model = two_layers()
    for rows in (20, 3, 20, 1):
        model.forward(X[:rows])
        model.backward(np.ones((rows, 2)))
        assert model.grads["dense_1/bias"].tolist() == [rows, rows]


@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda array: np.repeat(array, 2, axis=0)[::2],
        lambda array: np.repeat(array, 2, axis=1)[:, ::2],
        lambda array: array[::-1].copy()[::-1],
        lambda array: array.astype(">f4"),
        lambda array: array.astype("float64"),
    ],
)
def test_how_an_array_lies_in_memory_makes_no_difference(mixed: Build, layout: Any) -> None:
    model, doutput = mixed(), RNG.standard_normal((20, 2)).astype(np.float32)
    found = []
    for x, d in ((X, doutput), (layout(X), layout(doutput))):
        run = copy.deepcopy(model)
        found.append([run.forward(x, training=True), run.backward(d, inputs=True)])
        found[-1] += [run.predict(x), *run.grads.values(), *run.buffers.values()]
    for here, there in zip(*found, strict=True):
        assert np.allclose(here, there, rtol=1e-4, atol=1e-5)


def test_a_gradient_of_any_number_type_will_do(two_layers: Build) -> None:
    model = two_layers(dtype="float32")
    model.forward(X)
    found = []
    for dtype in ("float32", "float64", "int64", "bool"):
        model.backward(np.ones((20, 2), dtype))
        found.append(model.grads["dense/weight"].copy())
        assert found[-1].dtype == np.float32
    assert all(np.array_equal(grad, found[0]) for grad in found)


@pytest.mark.parametrize(
    ("doutput", "sentence"),
    [
        (np.ones((20, 3)), "doutput of 'dense_1': wanted the output's shape (20, 2), found"),
        (np.ones((19, 2)), "doutput of 'dense_1': wanted the output's shape (20, 2), found"),
        (np.ones(2), "doutput of 'dense_1': wanted the output's shape (20, 2), found (2,)"),
        (1.0, "doutput: wanted rows on the first axis, found a single number"),
        ([[1.0, 1.0]] * 20, "doutput: wanted an array, found a list"),
        (np.ones((20, 2), complex), "doutput: wanted real numbers, found dtype complex128"),
        (np.full((20, 2), None), "doutput: wanted real numbers, found dtype object"),
        ({"dense": np.ones((20, 4))}, "doutput['dense']: wanted one of ('dense_1',)"),
    ],
)
def test_a_gradient_that_does_not_fit_is_refused(
    two_layers: Build, doutput: Any, sentence: str
) -> None:
    model = two_layers()
    model.forward(X)
    with pytest.raises(MlpkError) as caught:
        model.backward(doutput)
    assert str(caught.value).startswith(sentence)


def test_backward_needs_a_forward(two_layers: Build) -> None:
    with pytest.raises(GraphError, match="no forward came before it"):
        two_layers().backward(np.ones((20, 2)))
    model = two_layers()
    model.predict(X)
    with pytest.raises(GraphError, match="no forward came before it"):
        model.backward(np.ones((20, 2)))


def test_whole_numbers_have_no_gradient() -> None:
    model = Model(["identity"], input_shape=(3,), input_dtype="int64")
    model.forward(np.ones((2, 3), int))
    assert model.backward(np.ones((2, 3)), inputs=True) is None


def test_another_pass_does_not_disturb_the_model_s(two_layers: Build) -> None:
    model = two_layers()
    model.forward(X)
    other = model.new_pass()
    other.forward({"input": X[:3].astype(float)}, training=True)
    model.backward(np.ones((20, 2)))
    assert model.grads["dense_1/bias"].tolist() == [20, 20]

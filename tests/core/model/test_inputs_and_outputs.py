"""Several inputs and outputs, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlpk import DataError, MlpkError, Model

Build = Callable[..., Model]
RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 3)).astype(np.float32)
A, B = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 2))


def test_they_come_and_go_as_dicts(two_ended: Build) -> None:
    model, x = two_ended(), {"b": B, "a": A}
    left, right = A @ model.params["left/weight"], B @ model.params["right/weight"]
    for found in (model.predict(x), model.forward(x), model.predict(x, batch_size=2)):
        assert list(found) == ["total", "left"]
        assert np.allclose(found["total"], left + right, rtol=1e-12)
        assert np.allclose(found["left"], left, rtol=1e-12)


def test_gradients_too(two_ended: Build) -> None:
    model = two_ended()
    model.forward({"a": A, "b": B})
    dtotal, dleft = RNG.standard_normal((5, 2)), RNG.standard_normal((5, 2))
    found = model.backward({"left": dleft, "total": dtotal}, inputs=True)
    assert list(found) == ["a", "b"]
    both = dtotal + dleft
    assert np.allclose(found["a"], both @ model.params["left/weight"].T, rtol=1e-12)
    assert np.allclose(found["b"], dtotal @ model.params["right/weight"].T, rtol=1e-12)
    assert np.allclose(model.grads["left/weight"], A.T @ both, rtol=1e-12)
    assert np.allclose(model.grads["right/weight"], B.T @ dtotal, rtol=1e-12)


def test_gradients_of_inputs_come_only_if_asked_for(two_ended: Build) -> None:
    model = two_ended()
    model.forward({"a": A, "b": B})
    assert model.backward({"left": np.ones((5, 2))}) is None
    assert model.training_pass().contexts["left"].needs_input_grad == (False,)
    model.backward({"left": np.ones((5, 2))}, inputs=True)
    assert model.training_pass().contexts["left"].needs_input_grad == (True,)


def test_an_output_may_be_left_out_on_the_way_back(two_ended: Build) -> None:
    model = two_ended()
    model.forward({"a": A, "b": B})
    found = model.backward({"left": np.ones((5, 2))}, inputs=True)
    assert list(found) == ["a"]
    assert not model.grads["right/weight"].any()


def test_the_only_one_may_come_by_its_name(two_layers: Build) -> None:
    model = two_layers()
    assert np.array_equal(model.predict({"input": X}), model.predict(X))
    model.forward(X)
    model.backward({"dense_1": np.ones((20, 2))})
    assert model.grads["dense_1/bias"].tolist() == [20, 20]


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (A, 'x: wanted a dict of arrays, {"a": ..., "b": ...}, found '),
        ((A, B), 'x: wanted a dict of arrays, {"a": ..., "b": ...}, found '),
        ([A, B], 'x: wanted a dict of arrays, {"a": ..., "b": ...}, found '),
        ({"a": A}, "x['b']: is missing from the dict"),
        ({"a": A, "b": B, "c": B}, "x['c']: there is no 'c'; wanted ['a', 'b']."),
        ({"a": B, "b": B}, "x['a']: wanted shape (rows, 3), found (5, 2)"),
        ({"a": A, "b": B[:4]}, "x: wanted the same number of rows everywhere, found"),
        ({"a": A, "b": [[1.0, 2.0]]}, "x['b']: wanted an array, found a list"),
    ],
)
def test_what_does_not_fit_is_named(two_ended: Build, x: Any, sentence: str) -> None:
    for call in (two_ended().predict, two_ended().forward):
        with pytest.raises(MlpkError) as caught:
            call(x)
        assert str(caught.value).startswith(sentence)


def test_several_gradients_want_names(two_ended: Build) -> None:
    model = two_ended()
    model.forward({"a": A, "b": B})
    with pytest.raises(DataError, match=r'doutput: wanted a dict of arrays, {"total": ..., "l'):
        model.backward(np.ones((5, 2)))

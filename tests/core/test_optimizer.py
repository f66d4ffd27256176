"""What every optimizer has from its interface."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError
from mlpk.optimizer import Step


def test_scratch_is_shaped_like_what_it_is_for_and_is_used_again():
    step = Step(1)
    large = np.zeros((3, 4), np.float32)
    first = step.scratch("a", large)
    assert (first.shape, first.dtype) == ((3, 4), np.float32)
    assert not np.shares_memory(first, large)
    assert np.shares_memory(step.scratch("a", np.zeros(5, np.float32)), first)
    assert not np.shares_memory(step.scratch("b", large), first)
    assert step.scratch("a", np.zeros(50)).dtype == np.float64
    part = np.zeros((4, 6), np.float32)[:, ::2]
    assert step.scratch("c", part).flags.c_contiguous


def test_a_rate_is_a_number_or_a_schedule():
    assert mlpk.optimizers.sgd(lr=0.5).rate(100) == 0.5
    halved = mlpk.optimizers.sgd(lr={"kind": "exponential", "lr": 1.0, "every": 1, "factor": 0.5})
    assert [halved.rate(t) for t in range(3)] == [1.0, 0.5, 0.25]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"lr": -0.1}, "sgd.lr"),
        ({"clip_norm": 0.0}, "sgd.clip_norm"),
        ({"clip_norm": -1.0}, "sgd.clip_norm"),
        ({"clip_value": 0}, "sgd.clip_value"),
        ({"lr": "fast"}, "sgd.lr"),
    ],
)
def test_numbers_out_of_range_are_refused(fields, where):
    with pytest.raises(ConfigError) as caught:
        mlpk.optimizers.sgd(**fields)
    assert caught.value.where == where


def test_clipping_is_off_by_default_and_given_by_name():
    optimizer = mlpk.optimizers.momentum(0.1)
    assert (optimizer.lr, optimizer.clip_norm, optimizer.clip_value) == (0.1, None, None)


def test_attached_it_applies_the_gradients_of_its_model():
    model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(2,), dtype="float64", seed=0)
    before = {name: np.array(param) for name, param in model.params.items()}
    x, y = np.array([[1.0, 2.0]]), np.array([[0.5]])
    _, gradient = mlpk.losses.mean_squared_error()(model.forward(x, training=True), y)
    model.backward(gradient)
    mlpk.optimizers.sgd(lr=0.1).attach(model).step()
    error = float((x @ before["dense/weight"] + before["dense/bias"] - y)[0, 0])
    np.testing.assert_allclose(
        model.params["dense/weight"], before["dense/weight"] - 0.1 * 2 * error * x.T
    )
    np.testing.assert_allclose(model.params["dense/bias"], before["dense/bias"] - 0.1 * 2 * error)

"""Frozen nodes: what of them stays, in which mode they run, and what is left to train."""

import numpy as np
import pytest

from mlpk import ConfigError, DataError, hookimpl

NORM = {"batch_norm/gamma", "batch_norm/beta", "batch_norm/running_mean", "batch_norm/running_var"}


class Outputs:
    """Keeps what a node gave in the last step."""

    @hookimpl
    def mlpk_batch_end(self, fit):
        values = fit.model.training_pass()._values
        self.seen = {name: np.array(array) for name, array in values.items()}


def moved(before, after):
    return {name for name in before if not np.array_equal(before[name], after[name])}


def test_statistics_of_a_frozen_node_stay_too(net, fit, digits, arrays):
    model = net()
    fit(model, *digits)
    before = arrays(model)
    fit(model, *digits, frozen=["dense", "batch_norm"])
    assert moved(before, arrays(model)) == {"dense_1/weight", "dense_1/bias"}


def test_it_runs_as_in_evaluation_and_dropout_does_not(net, fit, digits):
    x, y = digits
    model, outputs = net(), Outputs()
    fit(model, x, y)
    features = model.submodel("relu").predict(x)
    fit(
        model, x, y, frozen=["dense", "batch_norm", "dropout"], shuffle=False, batch_size=len(x),
        callbacks=[outputs],
    )  # fmt: skip
    np.testing.assert_allclose(outputs.seen["relu"], features, rtol=1e-5, atol=1e-6)
    dropped = (outputs.seen["dropout"] == 0) & (features > 1e-3)
    assert 0.2 < dropped.mean() / (features > 1e-3).mean() < 0.3


def test_gradients_pass_through_it(net, fit, digits, arrays):
    model = net()
    fit(model, *digits)
    before = arrays(model)
    fit(model, *digits, frozen=["batch_norm"])
    assert moved(before, arrays(model)) == before.keys() - NORM


def test_thawed_it_learns_again(net, fit, digits, arrays):
    model = net()
    fit(model, *digits, frozen=["batch_norm"])
    before = arrays(model)
    model.forward(digits[0], training=True)
    assert moved(before, arrays(model)) == {"batch_norm/running_mean", "batch_norm/running_var"}
    fit(model, *digits)
    assert moved(before, arrays(model)) == before.keys()


def test_a_last_batch_of_one_is_no_matter_to_it(net, fit, digits):
    x, y = digits
    with pytest.raises(DataError, match="drop_last=True"):
        fit(net(), x[:33], y[:33])
    fit(net(), x[:33], y[:33], frozen=["batch_norm"])


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"frozen": ["dense", "batch_norm", "dense_1"]}, "frozen"),
        ({"frozen": ["dense", "batch_norm"], "lr_factors": {"dense_1": 0}}, "frozen"),
        ({"lr_factors": {"dense": 0, "batch_norm": 0.0, "dense_1": 0}}, "lr_factors"),
    ],
)
def test_something_must_be_left_to_train(net, fit, digits, arrays, given, where):
    model = net()
    before = arrays(model)
    with pytest.raises(ConfigError, match="wanted some parameters left to train") as caught:
        fit(model, *digits, **given)
    assert caught.value.where == where
    assert not moved(before, arrays(model))

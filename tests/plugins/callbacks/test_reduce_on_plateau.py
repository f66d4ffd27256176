"""Reduce on plateau, on runs whose validation loss is set by hand."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, hookimpl
from mlpk_plugins.callbacks.reduce_on_plateau import ReduceOnPlateau


class Script:
    """Puts numbers into the logs, and keeps the factor that each epoch was trained with."""

    def __init__(self, name, values):
        self.name = name
        self.values = values
        self.factors = []

    @hookimpl
    def mlpk_epoch_end(self, fit):
        self.factors.append(fit.lr_factor)
        fit.logs[self.name] = self.values[fit.epoch - 1]


def run(callback, values, name="val_loss", **more):
    """Return the factor of each epoch, and of one that would follow."""
    script = Script(name, values)
    last = Script("last", values)
    model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(2,), seed=0)
    model.fit(
        np.ones((4, 2)), np.ones(4), loss="mean_squared_error", optimizer="sgd",
        epochs=len(values), callbacks=[script, callback, last], progress=False, **more,
    )  # fmt: skip
    return [*script.factors, last.factors[-1]]


@pytest.mark.parametrize(
    ("values", "fields", "factors"),
    [
        ([5, 4, 3, 2], {"patience": 1}, [1, 1, 1, 1, 1]),
        ([5, 5, 5, 5], {"patience": 1}, [1, 1, 0.5, 0.25, 0.125]),
        ([5, 5, 5, 5], {"patience": 2}, [1, 1, 1, 0.5, 0.5]),
        ([5, 5, 4, 4, 4], {"patience": 2}, [1, 1, 1, 1, 1, 0.5]),
        ([5, 9, 9, 6, 4, 5, 5], {"patience": 2}, [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]),
        ([5, 5, 5, 5, 5, 5], {"patience": 1, "cooldown": 2}, [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]),
        ([5, 5, 5, 5], {"patience": 1, "lowest": 0.3}, [1, 1, 0.5, 0.3, 0.3]),
        ([5, 4.9, 4.81, 4.5], {"patience": 2, "min_delta": 0.2}, [1, 1, 1, 0.5, 0.5]),
        ([float("nan"), 3, float("nan"), 2], {"patience": 1}, [1, 0.5, 0.5, 0.25, 0.25]),
    ],
)
def test_it_waits_and_cuts(values, fields, factors):
    values = [float(value) for value in values]
    assert run(ReduceOnPlateau(0.5, **fields), values) == pytest.approx(factors)


@pytest.mark.parametrize(
    ("name", "mode", "cuts"),
    [
        ("val_r2", None, False),
        ("mean_squared_error", None, True),
        ("val_loss", None, True),
        ("mine", "min", True),
        ("mine", "max", False),
        ("val_loss", "max", False),
    ],
)
def test_the_metric_or_mode_says_which_way_is_better(name, mode, cuts):
    callback = ReduceOnPlateau(0.5, patience=1, monitor=name, mode=mode)
    metrics = ["r2", "mean_squared_error"]
    assert (run(callback, [0.1, 0.5], name, metrics=metrics)[-1] < 1) == cuts


def test_where_nothing_says_which_way_is_better_mode_is_asked_for():
    with pytest.raises(ConfigError, match=r"^reduce_on_plateau.mode: is missing: .* 'an_error'"):
        run(ReduceOnPlateau(0.5, monitor="an_error"), [0.1], "an_error")


def test_a_factor_that_is_lower_already_is_not_raised():
    class Lower:
        @hookimpl
        def mlpk_fit_begin(self, fit):
            fit.lr_factor = 0.01

    model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(2,), seed=0)
    script = Script("val_loss", [1.0] * 3)
    model.fit(
        np.ones((4, 2)), np.ones(4), loss="mean_squared_error", optimizer="sgd", epochs=3,
        callbacks=[Lower(), script, ReduceOnPlateau(patience=1, lowest=0.1)], progress=False,
    )  # fmt: skip
    assert script.factors == [0.01] * 3


def test_the_smaller_rate_is_what_the_optimizer_takes():
    class Watch:
        def __init__(self):
            self.biases = []

        @hookimpl
        def mlpk_epoch_end(self, fit):
            fit.logs["val_loss"] = 1.0
            self.biases.append(float(fit.model.params["dense/bias"][0]))

    watch = Watch()
    model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(2,), seed=0, dtype="float64")
    model.fit(
        np.zeros((4, 2)), np.full(4, 1e6), loss="mean_squared_error",
        optimizer=mlpk.optimizers.sgd(lr=1e-9), epochs=3, progress=False,
        callbacks=[watch, ReduceOnPlateau(0.25, patience=1)],
    )  # fmt: skip
    # The gradient by the bias stays at -2e6, so that a step is 2e-3 times the factor.
    assert np.diff([0.0, *watch.biases]) == pytest.approx([2e-3, 2e-3, 5e-4], rel=1e-6)


def test_one_object_serves_several_runs():
    callback = ReduceOnPlateau(0.5, patience=2)
    assert run(callback, [0.0, 1.0])[-1] == 1
    assert run(callback, [9.0, 9.0])[-1] == 1


def test_a_resumed_run_goes_on_waiting(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 3)), rng.standard_normal(20)

    def trained(epochs, path, **more):
        model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(3,), seed=0)
        history = model.fit(
            x, y, loss="mean_squared_error", optimizer=mlpk.optimizers.sgd(lr=0.4), epochs=epochs,
            batch_size=4, callbacks=[ReduceOnPlateau(0.5, patience=2, cooldown=1)],
            progress=False, checkpoint=path, **more,
        )  # fmt: skip
        return model, history

    whole, history = trained(12, tmp_path / "whole.mlpk")
    for epochs in (1, 4, 5, 9):
        trained(epochs, tmp_path / "parts.mlpk", resume=True)
    parts, later = trained(12, tmp_path / "parts.mlpk", resume=True)
    assert later.metrics == history.metrics
    np.testing.assert_array_equal(parts.params["dense/weight"], whole.params["dense/weight"])
    state = mlpk.inspect(tmp_path / "parts.mlpk").state.fit
    assert state.lr_factor < 1
    assert state.callbacks.keys() == {"reduce_on_plateau"}


def test_a_name_that_is_not_measured_is_told_with_those_that_are():
    with pytest.raises(ConfigError, match=r"reduce_on_plateau.monitor: there is no 'val_los'"):
        run(ReduceOnPlateau(monitor="val_los"), [1.0])


def test_several_numbers_cannot_be_watched():
    with pytest.raises(ConfigError, match="'each' is no single number"):
        run(ReduceOnPlateau(monitor="each"), [np.ones(3)], "each")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"factor": 1.0}, r"^reduce_on_plateau.factor: wanted a number between 0 and 1, found 1.0"),
        ({"factor": 0.0}, r"^reduce_on_plateau.factor"),
        ({"patience": 0}, r"^reduce_on_plateau.patience: wanted 1 or more, found 0"),
        ({"min_delta": -0.5}, r"^reduce_on_plateau.min_delta: wanted 0 or more"),
        ({"cooldown": -1}, r"^reduce_on_plateau.cooldown: wanted 0 or more"),
        ({"lowest": 1.5}, r"^reduce_on_plateau.lowest: wanted a number from 0 to 1"),
        ({"mode": "most"}, r"^reduce_on_plateau.mode: wanted 'min' or 'max', found 'most'"),
    ],
)
def test_wrong_numbers_are_refused(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        ReduceOnPlateau(**given)

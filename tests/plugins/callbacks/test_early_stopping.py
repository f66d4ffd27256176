"""Early stopping, on runs whose validation loss is set by hand."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, hookimpl


class Script:
    """Puts numbers into the logs, and the number of the epoch into weights and statistics."""

    def __init__(self, name, values):
        self.name = name
        self.values = values

    @hookimpl
    def mlpk_epoch_end(self, fit):
        fit.logs[self.name] = self.values[fit.epoch - 1]
        fit.model.params["dense/weight"] = np.full((2, 1), float(fit.epoch))
        fit.model.buffers["batch_norm/running_mean"] = np.full(1, float(fit.epoch))


def run(stopping, values, name="val_loss", epochs=None, **more):
    """Return the model and the number of epochs that were run."""
    model = mlpk.Model([{"kind": "dense", "units": 1}, "batch_norm"], input_shape=(2,), seed=0)
    history = model.fit(
        np.ones((4, 2)),
        np.ones(4),
        loss="mean_squared_error",
        optimizer=mlpk.optimizers.sgd(lr=0.0),
        epochs=epochs or len(values),
        callbacks=[Script(name, values), stopping],
        progress=False,
        **more,
    )
    assert model.params["dense/weight"][0, 0] == model.buffers["batch_norm/running_mean"][0]
    return int(model.params["dense/weight"][0, 0]), len(history)


@pytest.mark.parametrize(
    ("values", "patience", "best", "ran"),
    [
        ([5, 4, 3, 2, 1], 1, 5, 5),
        ([5, 4, 4, 4, 1], 2, 2, 4),
        ([5, 4, 4, 3, 9, 9, 0], 2, 4, 6),
        ([1, 2, 3, 4], 3, 1, 4),
        ([1, 2, 3, 4, 0], 3, 1, 4),
        ([float("nan"), 3, float("nan"), 2, 5], 3, 4, 5),
        ([2, float("inf"), 1], 2, 3, 3),
    ],
)
def test_it_waits_and_puts_the_best_weights_and_buffers_back(values, patience, best, ran):
    stopping = mlpk.callbacks.early_stopping(patience=patience)
    assert run(stopping, values) == (best, ran)
    assert stopping.best_epoch == best


def test_it_may_just_stop():
    stopping = mlpk.callbacks.early_stopping(patience=2, keep_best=False)
    assert run(stopping, [3, 1, 2, 4, 5]) == (4, 4)
    assert stopping.best_epoch == 2
    assert set(stopping.state()) == {"best", "best_epoch", "waited"}
    with pytest.raises(ConfigError, match=r"^early_stopping.keep_best: wanted True or False"):
        mlpk.callbacks.early_stopping(keep_best="no")


def test_it_goes_with_an_average_only_if_it_just_stops():
    average = mlpk.callbacks.moving_average()
    given = {"kind": "early_stopping", "patience": 1, "monitor": "loss"}
    model = mlpk.Model([mlpk.layers.dense(units=1)], input_shape=(2,), seed=0)
    x, y = np.ones((4, 2)), np.ones((4, 1))
    options = {"loss": "mean_squared_error", "optimizer": "sgd", "progress": False}
    for callbacks, sentence in (
        (
            [given, average],
            r"^callbacks\[1\]: moving_average puts .* early_stopping, callbacks\[0\];",
        ),
        (
            ["moving_average", given],
            r"^callbacks\[1\]: early_stopping puts .* moving_average, call",
        ),
        (
            [average, "moving_average"],
            r"^callbacks\[1\]: moving_average puts .* does moving_average",
        ),
    ):
        before = model.params["dense/weight"].copy()
        with pytest.raises(ConfigError, match=sentence):
            model.fit(x, y, callbacks=callbacks, **options)
        np.testing.assert_array_equal(model.params["dense/weight"], before)
    model.fit(x, y, callbacks=[{**given, "keep_best": False}, average], **options)
    assert average.updates == 1


def test_better_means_by_more_than_min_delta():
    values = [1.0, 0.9, 0.81, 0.5]
    assert run(mlpk.callbacks.early_stopping(patience=2, min_delta=0.2), values) == (1, 3)
    assert run(mlpk.callbacks.early_stopping(patience=2, min_delta=0.15), values) == (4, 4)


@pytest.mark.parametrize(
    ("name", "mode", "best"),
    [
        ("r2", None, 2),
        ("val_r2", None, 2),
        ("loss", None, 3),
        ("val_loss", None, 3),
        ("val_mean_absolute_error", None, 3),
        ("r2", "min", 3),
        ("mine", "min", 3),
        ("mine", "max", 2),
        ("val_loss", "max", 2),
    ],
)
def test_the_metric_or_mode_says_which_way_is_better(name, mode, best):
    stopping = mlpk.callbacks.early_stopping(patience=5, monitor=name, mode=mode)
    metrics = ["r2", "mean_absolute_error"]
    assert run(stopping, [0.5, 0.9, 0.1], name, metrics=metrics)[0] == best


@pytest.mark.parametrize("name", ["mine", "val_mine", "error", "val_accuracy", "my_loss"])
def test_where_nothing_says_which_way_is_better_mode_is_asked_for(name):
    stopping = mlpk.callbacks.early_stopping(monitor=name)
    sentence = rf"^early_stopping.mode: is missing: nothing says which way '{name}' is better"
    with pytest.raises(ConfigError, match=sentence):
        run(stopping, [1.0], name)


def test_the_name_of_an_output_says_nothing():
    """Both outputs are watched as their metrics and losses say, whatever they are called."""

    class Best:
        @hookimpl
        def mlpk_epoch_end(self, fit):
            self.found = {name: fit.best(name) for name in fit.logs}

    x = mlpk.Input((2,))
    outputs = [mlpk.layers.dense(units=3)(x, name=name) for name in ("error_type", "val_loss_max")]
    model, seen = mlpk.Model(inputs=x, outputs=outputs, seed=0), Best()
    labels = dict.fromkeys(("error_type", "val_loss_max"), np.array([0, 1, 2, 0]))
    model.fit(
        np.ones((4, 2)), labels, loss=dict.fromkeys(labels, "softmax_cross_entropy"),
        optimizer="sgd", metrics={name: ["accuracy"] for name in labels},
        validation=(np.ones((4, 2)), labels), callbacks=[seen], progress=False,
    )  # fmt: skip
    assert seen.found == {
        f"{prefix}{name}": way
        for prefix in ("", "val_")
        for name, way in {
            "loss": "min",
            "error_type_loss": "min",
            "val_loss_max_loss": "min",
            "error_type_accuracy": "max",
            "val_loss_max_accuracy": "max",
        }.items()
    }


def test_without_validation_the_loss_is_watched():
    stopping = mlpk.callbacks.early_stopping(patience=1)
    _, ran = run(stopping, [0.0] * 9, "unrelated")
    assert ran == 2  # at a rate of 0 the loss stays as it is


def test_a_run_that_ends_by_itself_gets_its_best_weights_too():
    assert run(mlpk.callbacks.early_stopping(patience=10), [2, 1, 3]) == (2, 3)


def noted(stopping, values, name="val_loss", **more):
    """Return the history of a run whose results are set by hand."""
    model = mlpk.Model([{"kind": "dense", "units": 1}, "batch_norm"], input_shape=(2,), seed=0)
    return model.fit(
        np.ones((4, 2)), np.ones(4), loss="mean_squared_error", optimizer="sgd",
        epochs=len(values), callbacks=[Script(name, values), stopping], **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "given", "epoch", "waited", "note"),
    [
        (
            [5, 4.25, 6, 6, 1],
            {"patience": 2},
            2,
            "2 epochs",
            "early_stopping: val_loss was best in epoch 2, 4.25; the weights of epoch 2 are back",
        ),
        (
            [0.5, 0.75, 0.25],
            {"mode": "max"},
            2,
            None,
            "early_stopping: val_loss was best in epoch 2, 0.75; the weights of epoch 2 are back",
        ),
        (
            [1, 2, 0],
            {"patience": 1, "keep_best": False},
            None,
            "1 epoch",
            (
                "early_stopping: val_loss was best in epoch 1, 1; the weights stay those of the "
                "last step"
            ),
        ),
        (
            [float("nan")] * 2,
            {"patience": 1},
            None,
            "1 epoch",
            (
                "early_stopping: val_loss was a number in no epoch; the weights stay those of the "
                "last step"
            ),
        ),
        (
            [0.5, 0.49, 0.48, 0.47],
            {"min_delta": 0.1},
            1,
            "3 epochs",
            (
                "early_stopping: val_loss last improved by min_delta in epoch 1, 0.5; the weights of "
                "epoch 1 are back"
            ),
        ),
        ([3, 2], {}, 2, None, None),
    ],
)
def test_the_history_has_the_best_epoch_and_progress_says_it(
    values, given, epoch, waited, note, capsys
):
    history = noted(mlpk.callbacks.early_stopping(**given), values, progress=True)
    assert history.best_epoch == epoch
    wanted = waited and f"early_stopping waited {waited} for a better val_loss"
    assert history.ended == wanted
    assert history.notes == ([] if note is None else [note])
    lines = capsys.readouterr().err.splitlines()
    ended = [f"Ended by a callback after epoch {len(history)}: {wanted}"] if waited else []
    assert lines[len(history) :] == [*ended, *history.notes]
    noted(mlpk.callbacks.early_stopping(**given), values, progress=False)
    assert capsys.readouterr() == ("", "")


def test_one_object_serves_several_runs():
    stopping = mlpk.callbacks.early_stopping(patience=2)
    assert run(stopping, [0.0, 1, 1]) == (1, 3)
    assert run(stopping, [9.0, 8, 7]) == (3, 3)


def test_state_goes_on_where_it_was():
    values = [5, 4, 3, 6, 6, 6]
    first, second = (mlpk.callbacks.early_stopping(patience=2) for _ in range(2))
    run(first, values[:4])
    state = first.state()
    assert (state["best"], state["best_epoch"], state["waited"]) == (3.0, 3, 1)
    second.restore(state)
    assert second.state().keys() == state.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(second.state()[name], value)


def test_a_name_that_is_not_measured_is_told_with_those_that_are():
    stopping = mlpk.callbacks.early_stopping(monitor="val_los")
    with pytest.raises(ConfigError, match=r"no 'val_los' in the history, .* mean 'val_loss'\?"):
        run(stopping, [1.0])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"patience": 0}, r"^early_stopping.patience: wanted 1 or more, found 0"),
        ({"min_delta": -0.5}, r"^early_stopping.min_delta: wanted 0 or more, found -0.5"),
        ({"mode": "most"}, r"^early_stopping.mode: wanted 'min' or 'max', found 'most'"),
    ],
)
def test_wrong_numbers_are_refused(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mlpk.callbacks.early_stopping(**given)

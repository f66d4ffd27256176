"""The average of the weights along a run."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, hookimpl


class Seen:
    """Keeps the weights after every batch."""

    def __init__(self):
        self.weights = []

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.weights.append({name: array.copy() for name, array in arrays(fit.model).items()})


def arrays(model):
    return {**model.params, **model.buffers}


def net():
    layers = [mlpk.layers.dense(units=3), "batch_norm", mlpk.layers.dense(units=1)]
    return mlpk.Model(layers, input_shape=(2,), dtype="float64", seed=0)


def train(model, *callbacks, **more):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 2))
    given = {"loss": "mean_squared_error", "optimizer": "adam", "epochs": 2, "batch_size": 10}
    model.fit(x, x[:, :1], callbacks=callbacks, progress=False, **{**given, **more})


def test_it_is_the_average_of_what_was_seen():
    model, seen = net(), Seen()
    train(model, seen, mlpk.callbacks.moving_average(decay=0.75))
    assert len(seen.weights) == 8
    shares = 0.75 ** np.arange(7, -1, -1)
    for name, array in arrays(model).items():
        every = np.stack([weights[name] for weights in seen.weights])
        wanted = np.average(every, axis=0, weights=shares)
        np.testing.assert_allclose(array, wanted, rtol=1e-12, atol=1e-15)
        assert (array != seen.weights[-1][name]).any()


def test_after_one_update_it_is_the_weights_whatever_the_decay():
    model, seen = net(), Seen()
    train(model, seen, mlpk.callbacks.moving_average(decay=0.9999), batch_size=40, epochs=1)
    (weights,) = seen.weights
    for name, array in arrays(model).items():
        np.testing.assert_array_equal(array, weights[name])


def test_a_short_run_is_better_than_where_it_began():
    x, y, x_test, y_test = mlpk.datasets.digits()
    layers = ["flatten", mlpk.layers.dense(units=32), "batch_norm", "relu"]
    model = mlpk.Model([*layers, mlpk.layers.dense(units=10)], input_shape=(8, 8, 1), seed=0)
    given = {"loss": "softmax_cross_entropy", "metrics": ["accuracy"]}
    history = model.fit(
        x, y, optimizer="adam", epochs=3, validation=(x_test, y_test), progress=False,
        callbacks=["moving_average"], **given,
    )  # fmt: skip
    found = model.evaluate(x_test, y_test, **given)["accuracy"]
    assert found > history.metrics["val_accuracy"][0] > 0.5


@pytest.mark.parametrize(("accumulate", "updates"), [(1, 8), (2, 4), (3, 4)])
def test_updates_count_and_not_batches(accumulate, updates):
    average = mlpk.callbacks.moving_average(decay=0.5)
    train(net(), average, accumulate=accumulate)
    assert average.updates == updates


def test_a_run_without_an_update_leaves_the_weights_alone():
    class Broken:
        def __len__(self):
            return 1

        def __iter__(self):
            raise InterruptedError

    model = net()
    before = {name: array.copy() for name, array in arrays(model).items()}
    with pytest.raises(InterruptedError):
        model.fit(
            Broken(), loss="mean_squared_error", optimizer="adam", progress=False,
            callbacks=["moving_average"],
        )  # fmt: skip
    for name, array in arrays(model).items():
        np.testing.assert_array_equal(array, before[name])


def test_without_decay_it_is_the_weights():
    plain, averaged = net(), net()
    train(plain)
    train(averaged, mlpk.callbacks.moving_average(decay=0.0))
    for name, array in arrays(averaged).items():
        np.testing.assert_allclose(array, arrays(plain)[name], rtol=1e-13)


def test_a_resumed_run_has_the_same_average(tmp_path):
    class Cut:
        @hookimpl(tryfirst=True)
        def mlpk_batch_end(self, fit):
            if fit.step == 6:
                raise InterruptedError

    def callbacks(*more):
        path = tmp_path / "run.mlpk"
        saved = mlpk.callbacks.checkpoint(path, every_steps=1)
        return (mlpk.callbacks.moving_average(decay=0.9), saved, *more), path

    straight, resumed = net(), net()
    train(straight, mlpk.callbacks.moving_average(decay=0.9))
    given, path = callbacks(Cut())
    with pytest.raises(InterruptedError):
        train(net(), *given, checkpoint=path)
    given, path = callbacks()
    train(resumed, *given, checkpoint=path, resume=True)
    for name, array in arrays(resumed).items():
        np.testing.assert_array_equal(array, arrays(straight)[name])


@pytest.mark.parametrize("decay", [1.0, -0.1, float("nan")])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(ConfigError, match=r"moving_average.decay: wanted 0 <= decay < 1, found"):
        mlpk.callbacks.moving_average(decay=decay)

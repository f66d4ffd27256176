"""Weights that take the place of the run's at its end are saved beside those that it goes on with."""

from __future__ import annotations

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, hookimpl


class Doubles:
    """Saves at the end of the run, with twice the weights in the model."""

    def __init__(self, path, cut=slice(None)):
        self.path = path
        self.cut = cut

    @hookimpl
    def mlpk_fit_end(self, fit):
        weights = {**fit.model.params, **fit.model.buffers}
        trained = {name: array.copy()[self.cut] for name, array in weights.items()}
        for array in weights.values():
            np.multiply(array, 2, out=array)
        fit.save(self.path, trained=trained)


def test_a_run_goes_on_with_its_own_weights(net, fit, digits, arrays, tmp_path):
    path = tmp_path / "run.mlpk"
    straight, part = net(), net()
    fit(straight, *digits, epochs=3, checkpoint=tmp_path / "straight.mlpk")
    fit(part, *digits, epochs=2, callbacks=[Doubles(path)])
    saved = mlpk.load(path)
    for name, array in arrays(part).items():
        np.testing.assert_array_equal({**saved.params, **saved.buffers}[name], array)
    assert mlpk.inspect(path).state.fit.running == {}
    model = net(seed=5)
    fit(model, *digits, epochs=3, checkpoint=path, resume=True)
    for name, array in arrays(straight).items():
        np.testing.assert_array_equal(arrays(model)[name], array, err_msg=name)
    assert path.read_bytes() == (tmp_path / "straight.mlpk").read_bytes()


def test_weights_of_another_shape_are_refused_with_their_place(net, fit, digits, tmp_path):
    path = tmp_path / "run.mlpk"
    fit(net(), *digits, callbacks=[Doubles(path, slice(1))])
    sentence = (
        r"^state.fit.running.weights_0: wanted shape \(64, 12\), as 'dense/weight' has, found "
        r"\(1, 12\)$"
    )
    with pytest.raises(ConfigError, match=sentence):
        fit(net(), *digits, epochs=2, checkpoint=path, resume=True)


class Stops:
    @hookimpl
    def mlpk_epoch_end(self, fit):
        fit.stop()


def test_a_run_that_was_ended_tells_how_many_epochs_were_wanted(net, fit, digits, tmp_path):
    path = tmp_path / "run.mlpk"
    fit(net(), *digits, epochs=2, checkpoint=path)
    assert "epochs" not in mlpk.inspect(path).state.fit.options
    path.unlink()
    fit(net(), *digits, epochs=2, callbacks=[Stops()], checkpoint=path)
    assert mlpk.inspect(path).state.fit.options["epochs"] == 2
    history = fit(net(), *digits, epochs=3, callbacks=[Stops()], checkpoint=path, resume=True)
    assert len(history) == 1

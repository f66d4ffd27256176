"""A history in a file: under whatever names, and of the types that it was."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, hookimpl
from mlpk.training.results import packed, unpacked


class Puts:
    """Puts results of its own into the history."""

    def __init__(self, **results):
        self.results = results

    @hookimpl
    def mlpk_epoch_end(self, fit):
        for name, make in self.results.items():
            fit.history.metrics.setdefault(name, []).append(make(fit.epoch))


def exactly(column):
    return [(type(value), repr(value), getattr(value, "dtype", None)) for value in column]


RESULTS = {
    "x": lambda epoch: np.full(epoch, 1.0),  # of another shape in each epoch
    "x.0": float,
    "x.1": lambda epoch: -float(epoch),
    "_1": lambda epoch: epoch / 7,
    "my metric": float,
    "n" * 300: float,
    "integers": int,
    "bools": lambda epoch: epoch > 1,
    "nothing": lambda epoch: None if epoch == 1 else 0.5,
    "scalars": np.float32,
    "doubles": np.float64,
    "points": lambda epoch: np.array(float(epoch)),
    "arrays": lambda epoch: np.full((2, 3), epoch),
    "rows": lambda epoch: np.full(2, epoch / 7),
}


def test_they_are_those_of_a_run_never_stopped(net, fit, digits, tmp_path):
    path, callback = tmp_path / "run.mlpk", Puts(**RESULTS)
    wanted = fit(net(), *digits, epochs=3, callbacks=[callback]).metrics
    fit(net(), *digits, epochs=2, checkpoint=path, callbacks=[callback])
    more = {"checkpoint": path, "resume": True, "callbacks": [callback]}
    for epochs in (3, 3):
        found = fit(net(), *digits, epochs=epochs, **more).metrics
        assert list(found) == list(wanted)
        for name, column in wanted.items():
            assert exactly(found[name]) == exactly(column), name


def test_results_that_no_file_holds_are_named(net, fit, digits, tmp_path):
    path = tmp_path / "run.mlpk"
    with pytest.raises(ConfigError, match=r"^history\['who'\]\[0\]: wanted None, bools, numbers"):
        fit(net(), *digits, checkpoint=path, callbacks=[Puts(who=lambda _: object())])
    assert not path.exists()


def test_floats_are_one_tensor_under_their_name(net, fit, digits, tmp_path):
    path = tmp_path / "run.mlpk"
    history = fit(net(), *digits, epochs=2, checkpoint=path)
    assert mlpk.load_arrays(path)["state:history/loss"].tolist() == history.metrics["loss"]
    assert "history" not in mlpk.inspect(path).state.fit.callbacks


@pytest.mark.parametrize("held", [{}, {"_0": "text"}, {"_0": {"array": "_0.0"}}])
def test_results_that_are_missing_are_told(held):
    arrays = {"state:history/_0.0": np.array(1.0)}
    with pytest.raises(ConfigError, match="the checkpoint holds no results of 'loss'"):
        unpacked(["loss"], held, arrays)


def test_ragged_results_take_no_name_that_another_has():
    results = {"x": [np.zeros(1), np.zeros(2)], "x.0": [3.0, 4.0], "_0.0": [5.0, 6.0]}
    arrays = {}
    held = packed(mlpk.History(results), arrays)
    found = unpacked(list(results), held.get("history", {}), arrays)
    assert [value.tolist() for value in found["x"]] == [[0], [0, 0]]
    assert (found["x.0"], found["_0.0"]) == ([3.0, 4.0], [5.0, 6.0])

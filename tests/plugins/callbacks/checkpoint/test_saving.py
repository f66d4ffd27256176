"""Checkpoints: when they are written, that they are whole, and where none can be written."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, FileAccessError, hookimpl


def test_the_run_is_saved_after_every_epoch(tmp_path, run, names):
    path = tmp_path / "run.mlpk"
    model, told = run(checkpoint=path)
    assert told == [(1, 0, 3), (2, 0, 6)]
    saved = mlpk.load(path)
    for name, param in model.params.items():
        np.testing.assert_array_equal(saved.params[name], param)
    assert names(tmp_path) == ["run.mlpk"]


@pytest.mark.parametrize("also", [False, True])
def test_every_steps_saves_within_epochs_too(tmp_path, also, run):
    path = tmp_path / "run.mlpk"
    checkpoint = mlpk.callbacks.checkpoint(path, every_steps=2)
    _, told = run(callbacks=[checkpoint], checkpoint=path if also else None)
    assert told == [(0, 2, 2), (1, 0, 3), (1, 1, 4), (1, 3, 6), (2, 0, 6)]


def test_a_file_of_the_same_path_is_written_once_an_epoch(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run.mlpk"
    mine = mlpk.callbacks.checkpoint("./run.mlpk", every_steps=100)
    _, told = run(callbacks=[mine], checkpoint=str(path))
    assert len(told) == 2


class Moves:
    """Changes a parameter as late as a hook can."""

    @hookimpl(trylast=True)
    def mlpk_batch_end(self, fit):
        fit.model.params["dense/bias"] += 1.0

    @hookimpl(wrapper=True)
    def mlpk_epoch_end(self, fit):
        yield
        fit.model.params["dense/bias"] += 10.0


def test_it_comes_after_those_that_want_to_be_last(tmp_path, run):
    path = tmp_path / "run.mlpk"
    model, _ = run(callbacks=[mlpk.callbacks.checkpoint(path, every_steps=1), Moves()], epochs=1)
    bias = model.params["dense/bias"]
    np.testing.assert_array_equal(mlpk.load(path).params["dense/bias"], bias)
    assert bias[0] > 12


@pytest.mark.parametrize("given", [0, -3, True, 1.5])
@pytest.mark.parametrize("name", ["every_steps", "keep"])
def test_wrong_numbers_are_refused(given, name, tmp_path):
    with pytest.raises(ConfigError, match=rf"^checkpoint.{name}: wanted a whole number from 1, fo"):
        mlpk.callbacks.checkpoint(tmp_path / "run.mlpk", **{name: given})


def test_a_path_is_a_path():
    with pytest.raises(ConfigError, match=r"^checkpoint.path: wanted the path of a file, found 3"):
        mlpk.callbacks.checkpoint(3)


def test_a_folder_that_is_not_there_is_told_at_the_start(tmp_path, run, cut_at):
    path = tmp_path / "absent" / "run.mlpk"
    with pytest.raises(FileAccessError, match="there is no folder"):
        run(callbacks=[mlpk.callbacks.checkpoint(path), cut_at(1)])


def test_a_relative_path_stays_that_of_one_folder(tmp_path, monkeypatch, run, names):
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path)

    class Goes:
        @hookimpl
        def mlpk_fit_begin(self, fit):
            monkeypatch.chdir(tmp_path / "else")

    for more in ({"checkpoint": "two.mlpk"}, {}):
        monkeypatch.chdir(tmp_path)
        run(callbacks=[mlpk.callbacks.checkpoint("one.mlpk", keep=2), Goes()], **more)
    assert names(tmp_path) == ["else", "one-000003.mlpk", "one.mlpk", "two.mlpk"]
    assert names(tmp_path / "else") == []


@pytest.mark.parametrize("other", ["./run.mlpk", "else/../run.mlpk", "link.mlpk"])
def test_two_to_one_file_are_refused(tmp_path, monkeypatch, other, run):
    (tmp_path / "else").mkdir()
    (tmp_path / "link.mlpk").symlink_to("run.mlpk")
    monkeypatch.chdir(tmp_path)
    both = [mlpk.callbacks.checkpoint(path, keep=2) for path in ("run.mlpk", other)]
    with pytest.raises(ConfigError, match=r"^callbacks\[2\]: .* is the file of callbacks\[1\] alr"):
        run(callbacks=both)
    assert not (tmp_path / "run.mlpk").exists()

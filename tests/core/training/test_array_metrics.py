"""Metrics that give arrays: in the history, through checkpoints, and beside progress."""

import io

import numpy as np
import pytest

import mlpk
from mlpk import hookimpl

METRICS = ["confusion_matrix", "accuracy", "per_class_accuracy"]


class Cut(Exception):  # noqa: N818 - what ends a process is no error
    """Stands for whatever ends a process."""


class CutAt:
    """Ends the run in the hook of a step, before anything is saved there."""

    def __init__(self, step):
        self.step = step

    @hookimpl(tryfirst=True)
    def mlpk_batch_end(self, fit):
        if fit.step == self.step:
            raise Cut


@pytest.fixture
def run(net, fit, digits, tmp_path):
    """Return what trains for three epochs of seven steps, with a checkpoint that may be cut."""
    x, y = digits

    def train(name="run", cut=None, **more):
        path = tmp_path / f"{name}.mlpk"
        callbacks = [mlpk.callbacks.checkpoint(path, every_steps=2)]
        callbacks += [] if cut is None else [CutAt(cut)]
        given = {"epochs": 3, "validation": (x[:50], y[:50]), "metrics": METRICS}
        return fit(net(), x, y, callbacks=callbacks, checkpoint=path, **{**given, **more})

    return train


def test_the_history_holds_an_array_an_epoch(net, fit, digits):
    x, y = digits
    model = net()
    history = fit(model, x, y, epochs=2, validation=(x, y), metrics=METRICS)
    assert len(history) == 2
    found = model.predict(x).argmax(axis=1)
    wanted = np.zeros((10, 10))
    np.add.at(wanted, (y, found), 1)
    np.testing.assert_array_equal(history.metrics["val_confusion_matrix"][-1], wanted)
    np.testing.assert_allclose(
        history.metrics["val_per_class_accuracy"][-1], wanted.diagonal() / wanted.sum(axis=1)
    )
    assert history.metrics["val_accuracy"][-1] == pytest.approx(wanted.trace() / wanted.sum())
    assert [type(value) for value in history.metrics["val_accuracy"]] == [float, float]
    assert history.metrics["confusion_matrix"][0].sum() == len(x)


@pytest.mark.parametrize("cut", [1, 6, 9, 14, 20])
def test_a_cut_leaves_no_trace_in_them(run, cut):
    """Before anything was saved, inside each epoch, and between two."""
    wanted = run("straight").metrics
    with pytest.raises(Cut):
        run(cut=cut)
    found = run(resume=True).metrics
    assert list(found) == list(wanted)
    for name, column in wanted.items():
        assert len(found[name]) == len(column) == 3
        for value, other in zip(found[name], column, strict=True):
            assert type(value) is type(other)
            np.testing.assert_array_equal(value, other)


def test_a_finished_run_has_them_too(run):
    wanted = run().metrics
    found = run(resume=True).metrics
    for name, column in wanted.items():
        np.testing.assert_array_equal(found[name], column)


def test_a_class_that_does_not_occur_is_nan_also_from_a_file(run, digits):
    x, y = digits
    few = (x[y < 3], y[y < 3])
    wanted = run(validation=few).metrics["val_per_class_accuracy"]
    assert np.isnan(wanted[-1][3:]).all()
    found = run(validation=few, resume=True).metrics["val_per_class_accuracy"]
    np.testing.assert_array_equal(found, wanted)


def test_progress_shows_what_is_a_number(net, fit, digits):
    stream = io.StringIO()
    fit(net(), *digits, metrics=METRICS, progress=mlpk.callbacks.progress(stream))
    (line,) = stream.getvalue().splitlines()
    assert [part.split()[0] for part in line.split("  ")[2:]] == ["loss", "accuracy"]

"""Checkpoints: when they are written, and that they are whole."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, hookimpl


class Files:
    """Writes down the step and batch that the file tells, after every hook of the checkpoint."""

    def __init__(self, path):
        self.path = path
        self.told = []

    def look(self, event):
        where = mlpk.inspect(self.path).state.fit if self.path.exists() else None
        self.told.append((event, where and (where.epoch, where.batch, where.step)))

    @hookimpl(wrapper=True)
    def mlpk_batch_end(self, fit):
        yield
        self.look(f"step {fit.step}")

    @hookimpl(wrapper=True)
    def mlpk_epoch_end(self, fit):
        yield
        self.look(f"epoch {fit.epoch}")


def run(path, **more):
    model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(2,), seed=0)
    x = np.random.default_rng(0).standard_normal((6, 2))
    files = Files(path)
    callbacks = [files, *more.pop("callbacks", [])]
    model.fit(
        x,
        x.sum(axis=1),
        loss="mean_squared_error",
        optimizer="momentum",
        batch_size=2,
        epochs=2,
        callbacks=callbacks,
        progress=False,
        **more,
    )
    return model, files.told


def test_the_run_is_saved_after_every_epoch(tmp_path):
    path = tmp_path / "run.mlpk"
    model, told = run(path, checkpoint=path)
    assert told == [
        ("step 1", None),
        ("step 2", None),
        ("step 3", None),
        ("epoch 1", (1, 0, 3)),
        ("step 4", (1, 0, 3)),
        ("step 5", (1, 0, 3)),
        ("step 6", (1, 0, 3)),
        ("epoch 2", (2, 0, 6)),
    ]
    saved = mlpk.load(path)
    for name, param in model.params.items():
        np.testing.assert_array_equal(saved.params[name], param)


@pytest.mark.parametrize("also", [False, True])
def test_every_steps_saves_within_epochs_too(tmp_path, also):
    path = tmp_path / "run.mlpk"
    checkpoint = mlpk.callbacks.checkpoint(path, every_steps=2)
    _, told = run(path, callbacks=[checkpoint], checkpoint=path if also else None)
    assert told == [
        ("step 1", None),
        ("step 2", (0, 2, 2)),
        ("step 3", (0, 2, 2)),
        ("epoch 1", (1, 0, 3)),
        ("step 4", (1, 1, 4)),
        ("step 5", (1, 1, 4)),
        ("step 6", (1, 3, 6)),
        ("epoch 2", (2, 0, 6)),
    ]


def test_a_file_of_the_same_path_is_written_once_an_epoch(tmp_path):
    path = tmp_path / "run.mlpk"
    written = []

    class Saves:
        @hookimpl
        def mlpk_fit_begin(self, fit):
            save = fit.save
            fit.save = lambda given: written.append(given) or save(given)

    mine = mlpk.callbacks.checkpoint(path, every_steps=100)
    run(path, callbacks=[Saves(), mine], checkpoint=str(path))
    assert written == [str(path)] * 2


@pytest.mark.parametrize("every", [0, -3])
def test_wrong_numbers_are_refused(every, tmp_path):
    with pytest.raises(ConfigError, match=r"^checkpoint.every_steps: wanted 1 or more, found"):
        mlpk.callbacks.checkpoint(tmp_path / "run.mlpk", every_steps=every)

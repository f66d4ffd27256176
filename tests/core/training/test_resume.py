"""A run that was stopped and went on is, bit for bit, the run that was not."""

from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, DataError, hookimpl

# 203 rows in batches of 32: seven steps an epoch.
COSINE = {"kind": "cosine", "lr": 0.01, "final": 0.001, "steps": 7}
ADAM = {"kind": "adam", "lr": COSINE, "clip_norm": 1.0}


class PowerCutError(Exception):
    """Stands for whatever ends a process."""


class Cut:
    """Ends the run in a hook of a step, before anything is saved there."""

    def __init__(self, step: int, hook: str = "batch_end") -> None:
        self.step = step
        self.hook = hook

    @hookimpl(tryfirst=True)
    def mlpk_batch_end(self, fit):
        if self.hook == "batch_end" and fit.step == self.step:
            raise PowerCutError

    @hookimpl(tryfirst=True)
    def mlpk_epoch_end(self, fit):
        if self.hook == "epoch_end" and fit.step == self.step:
            raise PowerCutError


class Shaker:
    """Draws from the run's random numbers, at every step and at the end of every epoch."""

    @hookimpl
    def mlpk_fit_begin(self, fit):
        fit.model.params["dense/bias"][0] = fit.rng("shake").random()

    @hookimpl
    def mlpk_batch_end(self, fit):
        fit.model.params["dense/bias"] += 1e-3 * fit.rng("shake").standard_normal(12)

    @hookimpl
    def mlpk_epoch_end(self, fit):
        fit.model.params["dense/bias"] += 1e-3 * fit.rng("shake").standard_normal(12)
        fit.lr_factor *= 0.9


class Average:
    """Keeps an average of a parameter, and of everything a state may hold."""

    def __init__(self) -> None:
        self.average = np.zeros(10)
        self.count = np.int64(0)
        self.best = np.inf
        self.notes: dict[str, Any] = {"seen": [], "worst": np.float32(-np.inf), "on": np.True_}

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.average += 0.1 * (fit.model.params["dense_1/bias"] - self.average)
        self.count += 1
        self.best = min(self.best, np.float32(fit.logs["loss"]))
        self.notes["seen"].append(fit.step)
        fit.model.params["dense_1/bias"] += 1e-3 * self.average.astype(np.float32)

    def state(self):
        return {
            "average": self.average,
            "count": self.count,
            "best": self.best,
            "notes": self.notes,
        }

    def restore(self, state):
        self.average = state["average"].copy()
        self.count, self.best, self.notes = state["count"], state["best"], state["notes"]


class Stop:
    """Stops the run at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def mlpk_batch_end(self, fit):
        if fit.step == self.step:
            fit.stop()


class Run:
    """One run with everything that a checkpoint has to hold, and what is left of it."""

    def __init__(
        self, net, digits, path, *, seed=0, every=None, cut=None, more_callbacks=(), **more
    ) -> None:
        x, y = digits
        self.model = net(seed=seed)
        self.average = Average()
        self.stopping = mlpk.callbacks.early_stopping(patience=2, monitor="val_accuracy")
        callbacks = [self.average, Shaker(), self.stopping, *more_callbacks]
        callbacks += [] if cut is None else [cut]
        callbacks += [] if every is None else [mlpk.callbacks.checkpoint(path, every_steps=every)]
        usual = {
            "x": x,
            "y": y,
            "loss": {"kind": "softmax_cross_entropy", "label_smoothing": 0.1},
            "optimizer": ADAM,
            "epochs": 3,
            "batch_size": 32,
            "accumulate": 3,
            "weight": np.linspace(0.1, 1, len(x)),
            "metrics": ["accuracy", "top_k_accuracy"],
            "validation": (x[:50], y[:50]),
            "regularizer": "l2",
            "callbacks": callbacks,
            "progress": False,
        }
        given = {**usual, **more}
        attached = mlpk.Optimizer.of(given.pop("optimizer")).attach(self.model)
        self.optimizer = attached
        try:
            self.history = self.model.fit(optimizer=attached, checkpoint=path, **given)
        except PowerCutError:
            self.history = None

    def state(self):
        """Return everything that has to be the same."""
        arrays = {**self.model.params, **self.model.buffers}
        arrays |= {f"slot {name}": a.flat for name, a in self.optimizer.slots.items()}
        arrays["average"] = self.average.average
        held = {name: array.tobytes() for name, array in arrays.items()}
        return {
            **held,
            "t": self.optimizer.t,
            "history": self.history.metrics,
            "notes": self.average.notes,
            "count": int(self.average.count),
            "best": (float(self.average.best), self.stopping.best, self.stopping.best_epoch),
        }


@pytest.fixture
def run(net, digits, tmp_path):
    """Return what makes a run that saves to a file, here or under another name."""
    return lambda name="run", **more: Run(net, digits, tmp_path / f"{name}.mlpk", **more)


def assert_same(found, wanted):
    found, wanted = found.state(), wanted.state()
    assert found.keys() == wanted.keys()
    different = [name for name in wanted if found[name] != wanted[name]]
    assert not different


class TestExactness:
    @pytest.mark.parametrize(
        ("every", "cut"),
        [
            (None, Cut(8)),  # the first step of the second epoch; saved at the end of the first
            (None, Cut(14)),  # the last step of the second; likewise
            (None, Cut(3)),  # before anything was saved: starts again
            (4, Cut(6)),  # inside the first epoch, inside a group of three
            (5, Cut(18)),  # inside the third, after the first step of its first group
            (7, Cut(7, "epoch_end")),  # after the last batch of an epoch, before its end
            (14, Cut(14, "epoch_end")),
            (1, Cut(10)),  # between two groups
        ],
        ids=lambda given: (
            f"{given.hook} {given.step}" if isinstance(given, Cut) else f"every {given}"
        ),
    )
    def test_a_cut_leaves_no_trace(self, run, every, cut):
        wanted = run("straight")
        assert run(every=every, cut=cut).history is None
        # Another process: a model of another seed, to show that all comes from the file.
        assert_same(run(every=every, seed=99 if cut.step > 4 else 0, resume=True), wanted)

    def test_two_cuts_leave_none_either(self, run):
        wanted = run("straight")
        run(every=4, cut=Cut(6))
        run(every=4, cut=Cut(17), resume=True)
        assert_same(run(every=4, resume=True), wanted)

    def test_saving_changes_nothing(self, run):
        assert_same(run(every=2), run("plain"))

    def test_a_finished_run_returns_at_once(self, run):
        wanted = run()
        steps = Cut(22)
        again = run(cut=steps, resume=True, seed=5)
        assert_same(again, wanted)
        assert np.isnan(again.history.seconds).all()

    def test_epochs_is_the_total(self, run):
        wanted = run("straight", epochs=4)
        run(epochs=2)
        assert_same(run(epochs=4, resume=True), wanted)

    def test_a_run_that_was_stopped_early_stays_stopped(self, run):
        more = {"epochs": 30, "optimizer": mlpk.optimizers.sgd(lr=0.0)}
        wanted = run("straight", **more)
        assert len(wanted.history) < 30
        run(cut=Cut(13), **more)
        assert_same(run(resume=True, **more), wanted)
        assert_same(run(resume=True, **more), wanted)

    def test_a_stop_inside_an_epoch_closes_it_also_after_a_cut(self, run):
        wanted = run("straight", every=3, more_callbacks=[Stop(9)])
        assert len(wanted.history) == 2
        cut = [Stop(9), Cut(9, "epoch_end")]
        assert run(every=3, more_callbacks=cut).history is None
        assert_same(run(every=3, resume=True, more_callbacks=[Stop(9)]), wanted)

    def test_an_absent_file_means_start(self, run):
        assert_same(run(resume=True), run("straight"))


class Tape:
    """Batches that know their place; `walks` counts the times it was begun."""

    def __init__(self, digits) -> None:
        x, y = digits
        self.batches = [(x[start : start + 30], y[start : start + 30]) for start in (0, 30, 60, 90)]
        self.place = 0
        self.rewinds = 0

    def __iter__(self):
        while self.place < 4:
            self.place += 1
            yield self.batches[(self.place + self.rewinds) % 4]
        self.place = 0
        self.rewinds += 1

    def state(self):
        return {"place": self.place, "rewinds": self.rewinds}

    def restore(self, state):
        self.place, self.rewinds = state["place"], state["rewinds"]


class TestBatchesOfTheCaller:
    @pytest.mark.parametrize("kind", ["list", "tape"])
    @pytest.mark.parametrize("cut", [3, 5, 8])
    def test_a_cut_leaves_no_trace(self, run, digits, kind, cut):
        def source():
            return Tape(digits) if kind == "tape" else Tape(digits).batches

        more = {"every": 2, "y": None, "weight": None}
        wanted = run("straight", x=source(), **more)
        run(x=source(), cut=Cut(cut), **more)
        assert_same(run(x=source(), resume=True, **more), wanted)

    def test_what_cannot_tell_its_place_is_refused_at_the_start(self, net, fit, digits, tmp_path):
        path = tmp_path / "run.mlpk"
        with pytest.raises(DataError, match=r"give arrays, a list of batches, or an object with"):
            fit(net(), iter([digits, digits]), checkpoint=path)
        assert not path.exists()
        stray = mlpk.callbacks.checkpoint(path)
        with pytest.raises(DataError, match="has to say where it was in the data"):
            fit(net(), iter([digits, digits]), callbacks=[stray])

    def test_arrays_and_batches_are_different_data(self, run, digits):
        run(epochs=1)
        with pytest.raises(
            ConfigError, match=r"^batch_size: the run in .* had 32 \(int\), this one"
        ):
            run(x=[digits], y=None, weight=None, resume=True)


class TestFile:
    def test_a_checkpoint_is_a_model_and_tells_where_it_stands(self, run, tmp_path):
        made = run(every=4, cut=Cut(6))
        state = mlpk.inspect(tmp_path / "run.mlpk").state
        assert (state.fit.epoch, state.fit.batch, state.fit.step) == (0, 4, 4)
        assert (state.fit.rows, state.fit.batch_size, state.optimizer.step) == (203, 32, 1)
        loaded = mlpk.load(tmp_path / "run.mlpk")
        assert loaded.spec == made.model.spec
        assert loaded.predict(np.zeros((2, 64))).shape == (2, 10)

    @pytest.mark.filterwarnings("ignore::mlpk.plugins.PortabilityWarning")
    @pytest.mark.usefixtures("own_catalog")
    def test_a_kind_of_ones_own_is_resumed(self, fit, net, digits, tmp_path):
        @mlpk.define
        class Slow(mlpk.Optimizer):
            kind = "slow"
            slots = ("heavy",)

            def update(self, param, grad, slots, step):
                slots["heavy"] += grad
                param -= 0.01 * slots["heavy"]

        mlpk.plugins.add(Slow)
        path = tmp_path / "run.mlpk"
        wanted = fit(net(), *digits, optimizer="slow", epochs=2)
        fit(net(), *digits, optimizer="slow", checkpoint=path)
        found = fit(net(), *digits, optimizer="slow", epochs=2, checkpoint=path, resume=True)
        assert found.metrics == wanted.metrics

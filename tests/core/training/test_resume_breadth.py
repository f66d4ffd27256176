"""Every place where a run can stop, for everything that it may be made of."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import mlpk
from mlpk import hookimpl
from mlpk.file import replacement

ROWS = 23  # in batches of four: six an epoch, the last of three rows
EPOCHS = 3
# Four batches make an update, and six an epoch: the last update of each is of two.
USUAL = {
    "loss": "softmax_cross_entropy",
    "optimizer": {"kind": "adam", "lr": 0.02},
    "metrics": ["accuracy"],
    "accumulate": 4,
}
FULL = {
    "loss": {"kind": "softmax_cross_entropy", "label_smoothing": 0.1},
    "optimizer": {
        "kind": "adamw", "lr": {"kind": "cosine", "lr": 0.05, "steps": 5}, "clip_norm": 0.5,
        "clip_value": 0.1,
    },
    "metrics": ["confusion_matrix", "per_class_accuracy", {"kind": "top_k_accuracy", "k": 2}],
    "accumulate": 4,
    "frozen": ["last"],
    "lr_factors": {"batch_norm": 0.3},
    "regularizer": {"kind": "l2", "l2": 0.01},
}  # fmt: skip


class Shakes:
    """Moves a parameter at random at each step, and the rate after each epoch."""

    @hookimpl
    def mlpk_batch_end(self, fit):
        first = fit.model.params["first/bias"]
        first += 1e-2 * fit.rng("shakes").standard_normal(first.shape)

    @hookimpl
    def mlpk_epoch_end(self, fit):
        fit.lr_factor *= fit.rng("rate").uniform(0.5, 1.5)


class Copies:
    """Keeps a copy of every file that the run writes: where a process might have ended."""

    def __init__(self, folder):
        self.folder = folder
        self.made: list[Path] = []

    @hookimpl
    def mlpk_fit_begin(self, fit):
        save = fit.save

        def saved(path):
            save(path)
            copy = self.folder / f"{len(self.made)}.mlpk"
            self.made.append(Path(shutil.copy(path, copy)))

        fit.save = saved


def callbacks():
    return [
        mlpk.callbacks.moving_average(decay=0.8),
        Shakes(),
        mlpk.callbacks.reduce_on_plateau(
            factor=0.5, patience=1, cooldown=1, monitor="loss", min_delta=9.0
        ),
        mlpk.callbacks.early_stopping(patience=2, monitor="loss", min_delta=0.001, keep_best=False),
    ]


class Drill:
    """One plan, carried out as often as need be."""

    def __init__(self, folder, *, regression=False, rows=ROWS, callbacks=list, **plan):
        self.folder = folder
        self.make_callbacks = callbacks
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((rows, 5)).astype("float32")
        labels = np.arange(rows) % 3
        self.y = rng.standard_normal((rows, 3)).astype("float32") if regression else labels
        self.plan = {**USUAL, **plan}

    def run(self, path, *, seed=0, more=(), every=None, **how):
        """Return everything that has to be the same, of one run to its end."""
        layers = [
            mlpk.layers.dense(units=6).named("first"), "batch_norm", "relu",
            {"kind": "dropout", "rate": 0.3}, mlpk.layers.dense(units=3).named("last"),
        ]  # fmt: skip
        model = mlpk.Model(layers, input_shape=(5,), seed=seed)
        listed = [*self.make_callbacks(), *more]
        if every is not None:
            listed.append(mlpk.callbacks.checkpoint(path, every_steps=every))
        given = {**self.plan}
        optimizer = mlpk.Optimizer.of(given.pop("optimizer")).attach(model)
        history = model.fit(
            self.x, self.y, optimizer=optimizer, epochs=EPOCHS, batch_size=4, progress=False,
            callbacks=listed, checkpoint=path, **given, **how,
        )  # fmt: skip
        found = {**model.params, **model.buffers, "predictions": model.predict(self.x)}
        found |= {f"slot {name}": arena.flat for name, arena in optimizer.slots.items()}
        kept = [callback.state() for callback in listed if hasattr(callback, "state")]
        for place, state in enumerate(kept[: len(self.make_callbacks())]):
            found |= {f"state {place} {name}": value for name, value in state.items()}
        for name, column in history.metrics.items():
            found |= {f"{name} {epoch}": value for epoch, value in enumerate(column)}
        found["updates"] = optimizer.t
        return {
            name: (np.asarray(value).dtype, np.asarray(value).shape, np.asarray(value).tobytes())
            for name, value in found.items()
        }

    def check(self, *, every, start=0, step=1):
        """Go on from every file, or some, that a run ever wrote; return how many that were."""
        copies = Copies(self.folder)
        wanted = self.run(self.folder / "run.mlpk", more=[copies], every=every)
        chosen = copies.made[start::step]
        for copy in chosen:
            found = self.run(copy, seed=99, every=every and 1000, resume=True)
            different = [name for name in wanted if found.get(name) != wanted[name]]
            assert not different, f"resumed from {mlpk.inspect(copy).state.fit}"
            assert found.keys() == wanted.keys()
        return len(chosen)


@pytest.fixture
def drill(tmp_path, monkeypatch):
    """Return what makes a drill. No power fails here, so that nothing needs to wait for the disk."""
    monkeypatch.setattr(replacement.os, "fsync", lambda _: None)
    return lambda **plan: Drill(tmp_path, **plan)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"drop_last": True},
        {"shuffle": False},
        {"accumulate": 1},
        {"weight": np.linspace(0.0, 2.0, ROWS)},
        {"validation": (np.ones((7, 5)), np.zeros(7, np.int64))},
        {"frozen": ["first", "batch_norm"]},
    ],
    ids=lambda change: next(iter(change), "plain"),
)
def test_every_stop_of_a_full_run(drill, change):
    made = drill(**{**FULL, **change}, callbacks=callbacks).check(every=1, step=2)
    assert made == (EPOCHS * (6 if "drop_last" in change else 7) + 1) // 2


def test_every_end_of_an_epoch(drill):
    assert drill(**FULL, callbacks=callbacks).check(every=None) == EPOCHS


def test_best_weights_are_put_back_after_a_stop_too(drill):
    def stopping():
        return [mlpk.callbacks.early_stopping(patience=1, monitor="accuracy", min_delta=2.0)]

    # No accuracy is better than another by two: the run ends after its second epoch.
    assert drill(callbacks=stopping).check(every=1) == 14


@pytest.mark.parametrize("kind", sorted(mlpk.optimizers))
def test_every_optimizer(drill, kind):
    for example in mlpk.optimizers[kind].examples():
        drill(optimizer=example.instance).check(every=1, start=3, step=7)


@pytest.mark.parametrize("kind", sorted(mlpk.schedules))
def test_every_schedule(drill, kind):
    for example in mlpk.schedules[kind].examples():
        optimizer = {"kind": "adam", "lr": example.instance}
        drill(optimizer=optimizer, accumulate=1).check(every=1, start=8, step=7)


LABELS = ["accuracy", "confusion_matrix", "per_class_accuracy", "top_k_accuracy"]
AVERAGED = ["f1", "precision", "recall"]
NUMBERS = ["mean_absolute_error", "mean_squared_error", "r2"]


def test_every_metric_inside_an_epoch(drill):
    assert {*LABELS, *AVERAGED, *NUMBERS, "roc_auc"} == set(mlpk.metrics)
    labels = [{"kind": kind, "k": 2} if kind == "top_k_accuracy" else kind for kind in LABELS]
    averaged = [{"kind": kind, "average": "macro"} for kind in AVERAGED]
    drill(metrics=[*labels, *averaged]).check(every=1, step=3)
    drill(metrics=NUMBERS, loss="mean_squared_error", regression=True).check(every=1, step=3)


def test_a_metric_of_scores_for_two_classes(tmp_path):
    x = np.random.default_rng(0).standard_normal((20, 2))
    y = (x[:, 0] > 0).astype(np.int64)

    def run(*more, resume=False):
        model = mlpk.Model([mlpk.layers.dense(units=1)], input_shape=(2,), seed=0)
        path = tmp_path / "scores.mlpk"
        given = {"loss": "binary_cross_entropy", "optimizer": "sgd", "metrics": ["roc_auc"]}
        checkpoint = mlpk.callbacks.checkpoint(path, every_steps=2)
        given |= {"batch_size": 3, "progress": False, "resume": resume}
        return model.fit(x, y, checkpoint=path, callbacks=[checkpoint, *more], **given).metrics

    class Stop:
        @hookimpl
        def mlpk_batch_end(self, fit):
            if fit.step == 5:
                raise InterruptedError

    wanted = run()
    with pytest.raises(InterruptedError):
        run(Stop())
    assert run(resume=True) == wanted


class Odd(mlpk.Metric):
    """The base of metrics whose results are neither plain numbers nor arrays of float64."""

    def start(self):
        return {"rows": np.zeros((), np.int64)}

    def update(self, state, prediction, target, weight):
        state["rows"] += len(prediction)


@mlpk.define
class Counts(Odd):
    kind = "counts"

    def result(self, state):
        return np.arange(3) * state["rows"]


@mlpk.define
class Narrow(Odd):
    kind = "narrow"

    def result(self, state):
        return np.float32(0.1) * np.float32(state["rows"])


@mlpk.define
class Grows(Odd):
    """Its results differ in length from epoch to epoch, as the points of a curve may."""

    kind = "grows"

    def result(self, state):
        self.calls.append(1)
        return np.ones(len(self.calls) % 3)

    calls = []  # noqa: RUF012 - shared on purpose: a result that no epoch has twice


@pytest.mark.filterwarnings("ignore::mlpk.plugins.PortabilityWarning")
@pytest.mark.usefixtures("own_catalog")
@pytest.mark.parametrize("kind", [Counts, Narrow, Grows])
def test_results_come_back_with_their_types(net, fit, digits, tmp_path, kind):
    mlpk.plugins.add(kind)
    path = tmp_path / "run.mlpk"
    wanted = fit(net(), *digits, metrics=[kind()], epochs=3, checkpoint=path).metrics
    found = fit(net(), *digits, metrics=[kind()], epochs=3, checkpoint=path, resume=True).metrics
    for mine, yours in zip(wanted[kind.kind], found[kind.kind], strict=True):
        assert type(mine) is type(yours)
        assert (mine.dtype, mine.shape, mine.tobytes()) == (
            yours.dtype,
            yours.shape,
            yours.tobytes(),
        )

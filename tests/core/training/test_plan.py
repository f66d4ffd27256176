"""Going on with another plan is an error that names the difference."""

import numpy as np
import pytest

from mlpk import ConfigError, hookimpl

COSINE = {"kind": "cosine", "lr": 0.01, "final": 0.001, "steps": 7}
ADAM = {"kind": "adam", "lr": COSINE, "clip_norm": 1.0}


class Counts:
    """Keeps a number."""

    @hookimpl
    def mlpk_batch_end(self, fit):
        pass

    def state(self):
        return {"count": 1}

    def restore(self, state):
        assert state == {"count": 1}


@pytest.fixture
def run(net, fit, digits, tmp_path):
    """Return what trains by one plan, with changes."""
    x, y = digits
    plan = {
        "loss": {"kind": "softmax_cross_entropy", "label_smoothing": 0.1},
        "optimizer": ADAM,
        "batch_size": 32,
        "accumulate": 3,
        "weight": np.linspace(0.1, 1, len(x)),
        "metrics": ["accuracy", "top_k_accuracy"],
        "validation": (x[:50], y[:50]),
        "regularizer": "l2",
    }

    def trained(**changes):
        callbacks = changes.pop("callbacks", [Counts()])
        given = {**plan, "callbacks": callbacks, "checkpoint": tmp_path / "run.mlpk", **changes}
        return fit(net(), x, y, **given)

    return trained


class TestDifferences:
    """Whatever is another, the file stays as it is."""

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"optimizer": "sgd"}, "optimizer.id"),
            ({"optimizer": {**ADAM, "lr": 0.01}}, "optimizer.config.lr"),
            ({"optimizer": {**ADAM, "clip_norm": None}}, "optimizer.config.clip_norm"),
            (
                {"optimizer": {**ADAM, "lr": {**COSINE, "steps": 8}}},
                "optimizer.config.lr.config.steps",
            ),
            ({"loss": "softmax_cross_entropy"}, "loss.dense_1.config.label_smoothing"),
            ({"batch_size": 16}, "batch_size"),
            ({"accumulate": 2}, "fit.accumulate"),
            ({"shuffle": False}, "fit.shuffle"),
            ({"drop_last": True}, "fit.drop_last"),
            ({"frozen": ["dense"]}, "fit.frozen[0]"),
            ({"lr_factors": {"dense": 0.5}}, "fit.lr_factors.dense"),
            ({"regularizer": None}, "fit.regularizer"),
            ({"regularizer": {"kind": "l2", "l2": 0.5}}, "fit.regularizer.config.l2"),
            ({"metrics": ["accuracy"]}, "fit.metrics.top_k_accuracy"),
            ({"callbacks": []}, "fit.callbacks[0]"),
            ({"weight": None}, "fit.weight"),
            ({"validation": None}, "fit.validation"),
            ({"validation": (np.zeros((9, 64)), np.zeros(9, int))}, "fit.validation.rows"),
            (
                {"validation": (np.zeros((50, 64)), np.zeros(50, int), np.ones(50))},
                "fit.validation.weight",
            ),
        ],
        ids=lambda given: given if isinstance(given, str) else "",
    )
    def test_it_is_named(self, run, tmp_path, change, field):
        run(epochs=1)
        before = (tmp_path / "run.mlpk").read_bytes()
        with pytest.raises(ConfigError, match="resume with the same, or start anew") as caught:
            run(resume=True, **change)
        assert caught.value.where == field
        assert (tmp_path / "run.mlpk").read_bytes() == before

    def test_another_seed_is_one_if_it_is_given(self, net, fit, digits, tmp_path):
        path = tmp_path / "run.mlpk"
        fit(net(), *digits, seed=5, checkpoint=path)
        with pytest.raises(ConfigError, match=r"^seed: the run in .* had 5, this one has 6"):
            fit(net(), *digits, seed=6, checkpoint=path, resume=True, epochs=2)
        history = fit(net(), *digits, checkpoint=path, resume=True, epochs=2)
        assert len(history) == 2

    def test_another_net_or_number_of_rows(self, net, fit, digits, tmp_path, arrays):
        x, y = digits
        path = tmp_path / "run.mlpk"
        fit(net(), x, y, checkpoint=path)
        other = net({"kind": "dense", "units": 10})
        before = arrays(other)
        with pytest.raises(
            ConfigError, match=r"^spec.nodes\[0\].config.units: .* had 12 \(int\), .* has 10"
        ):
            fit(other, x, y, checkpoint=path, resume=True)
        assert all(np.array_equal(arrays(other)[name], before[name]) for name in before)
        same_length = net(
            {"kind": "dense", "units": 12},
            "batch_norm",
            "relu",
            {"kind": "dropout", "rate": 0.5},
            {"kind": "dense", "units": 10},
        )
        with pytest.raises(
            ConfigError, match=r"^spec.nodes\[3\].config.rate: .* had 0.25 .* has 0.5"
        ):
            fit(same_length, x, y, checkpoint=path, resume=True)
        with pytest.raises(ConfigError, match=r"^number of rows: .* had 203 \(int\), .* has 200"):
            fit(net(), x[:200], y[:200], checkpoint=path, resume=True)

    def test_a_model_without_training_state_is_nothing_to_resume(self, net, fit, digits, tmp_path):
        path = tmp_path / "model.mlpk"
        net().save(path)
        with pytest.raises(ConfigError, match="holds a model without training state"):
            fit(net(), *digits, checkpoint=path, resume=True)

    def test_the_order_of_frozen_nodes_is_no_difference(self, net, fit, digits, tmp_path):
        path = tmp_path / "run.mlpk"
        first = fit(net(), *digits, checkpoint=path, frozen=["dense", "batch_norm"])
        more = {"frozen": ("batch_norm", "dense", "batch_norm"), "resume": True}
        assert fit(net(), *digits, checkpoint=path, **more).metrics == first.metrics

    def test_numpy_numbers_are_no_difference(self, net, fit, digits, tmp_path):
        path = tmp_path / "run.mlpk"
        more = {"batch_size": 32, "accumulate": 2, "lr_factors": {"dense": 0.5}, "epochs": 1}
        first = fit(net(), *digits, checkpoint=path, **more)
        more = {"batch_size": np.int64(32), "accumulate": np.int32(2), "epochs": np.int64(1)}
        more |= {"lr_factors": {"dense": np.float64(0.5)}, "shuffle": np.True_, "resume": True}
        assert fit(net(), *digits, checkpoint=path, **more).metrics == first.metrics


class Every:
    """A callback of somebody else, with a field, and with state only where it says so."""

    kind = "every"

    def __init__(self, **config):
        self.fields = config

    @hookimpl
    def mlpk_batch_end(self, fit):
        pass

    def config(self):
        return self.fields


class TestCallbacks:
    """What a callback says of itself is part of the plan."""

    @pytest.mark.parametrize(
        ("kind", "before", "after"),
        [
            ("early_stopping", {"patience": 5}, {"patience": 1}),
            ("early_stopping", {"monitor": "loss"}, {"monitor": "val_loss"}),
            ("early_stopping", {"mode": "min"}, {"mode": "max"}),
            ("early_stopping", {"min_delta": 0.0}, {"min_delta": 0.5}),
            ("early_stopping", {"keep_best": True}, {"keep_best": False}),
            ("moving_average", {"decay": 0.9}, {"decay": 0.5}),
            ("reduce_on_plateau", {"factor": 0.1}, {"factor": 0.2}),
            ("reduce_on_plateau", {"patience": 10}, {"patience": 1}),
            ("reduce_on_plateau", {"monitor": None}, {"monitor": "loss"}),
            ("reduce_on_plateau", {"min_delta": 0.0}, {"min_delta": 0.5}),
            ("reduce_on_plateau", {"mode": None}, {"mode": "max"}),
            ("reduce_on_plateau", {"cooldown": 0}, {"cooldown": 1}),
            ("reduce_on_plateau", {"lowest": 0.0}, {"lowest": 0.1}),
        ],
    )
    def test_a_field_of_those_that_come_with_mlpk(self, run, tmp_path, kind, before, after):
        run(epochs=1, callbacks=[{"kind": kind, **before}])
        held = (tmp_path / "run.mlpk").read_bytes()
        with pytest.raises(ConfigError, match="resume with the same, or start anew") as caught:
            run(resume=True, callbacks=[{"kind": kind, **after}], epochs=2)
        assert caught.value.where == f"callbacks.{kind}.{next(iter(before))}"
        assert (tmp_path / "run.mlpk").read_bytes() == held
        run(resume=True, callbacks=[{"kind": kind, **before}], epochs=2)

    def test_numpy_numbers_and_tuples_are_no_difference(self, run):
        given = Every(patience=np.int64(3), share=np.float64(0.5), both=(1, 2), more={"a": None})
        run(epochs=1, callbacks=[given])
        again = Every(patience=3, share=0.5, both=[1, 2], more={"a": None})
        assert len(run(resume=True, callbacks=[again], epochs=2)) == 2

    def test_a_field_of_somebody_elses(self, run):
        run(epochs=1, callbacks=[Every(steps=3)])
        with pytest.raises(ConfigError, match=r"^callbacks.every.steps: the run in .* had 3 \(int"):
            run(resume=True, callbacks=[Every(steps=4)], epochs=2)
        with pytest.raises(
            ConfigError, match=r"^fit.callbacks\[0\]: .* had 'every' \(str\), .* None"
        ):
            run(resume=True, callbacks=[], epochs=2)

    def test_fields_that_a_release_adds_or_drops_are_no_difference(self, run):
        run(epochs=1, callbacks=[Every(steps=3, old=1)])
        assert len(run(resume=True, callbacks=[Every(steps=3, new=2)], epochs=2)) == 2

    @pytest.mark.parametrize("config", [{"fn": print}, {"rate": float("nan")}, {3: 4}])
    def test_what_could_not_be_written_is_refused_at_the_start(self, run, tmp_path, config):
        callback = Every()
        callback.fields = config
        with pytest.raises(
            ConfigError, match=r"^callbacks.every.config: wanted None, bools, finite"
        ):
            run(callbacks=[callback])
        callback.fields = [1]
        with pytest.raises(
            ConfigError, match=r"^callbacks.every.config: wanted a dict from config"
        ):
            run(callbacks=[callback])
        assert not (tmp_path / "run.mlpk").exists()

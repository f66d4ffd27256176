"""The fit loop: validation, optimizers, history, and the run as its callbacks see it."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, DataError, hookimpl
from mlpk.errors import ShapeError

LOSS = "softmax_cross_entropy"


def same(left, right):
    return all(np.array_equal(left[name], right[name]) for name in left)


class TestValidation:
    def test_results_are_those_of_evaluate(self, net, fit, digits):
        x, y = digits
        weight = np.random.default_rng(0).random(103)
        model = net()
        history = fit(
            model,
            x[:100],
            y[:100],
            validation=(x[100:], y[100:], weight),
            metrics=["accuracy"],
            regularizer="l2",
            epochs=2,
        ).metrics
        assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
        found = model.evaluate(
            x[100:], y[100:], loss=LOSS, metrics=["accuracy"], weight=weight, regularizer="l2"
        )
        assert history["val_loss"][-1] == pytest.approx(found["loss"], rel=1e-6)
        assert history["val_accuracy"][-1] == pytest.approx(found["accuracy"], rel=1e-6)
        plain = fit(model, x[:100], y[:100], validation=(x[100:], y[100:])).metrics
        found = model.evaluate(x[100:], y[100:], loss=LOSS)
        assert plain["val_loss"] == [pytest.approx(found["loss"], rel=1e-6)]

    def test_it_leaves_no_trace_in_training(self, net, fit, digits, arrays):
        with_it, without = net(), net()
        fit(with_it, *digits, validation=digits, epochs=2, metrics=["accuracy"])
        fit(without, *digits, epochs=2)
        assert same(arrays(with_it), arrays(without))

    def test_errors_say_that_it_is_the_validation(self, net, fit, digits):
        x, y = digits
        nan, label = x.copy(), y.copy()
        nan[8, 0], label[9] = np.nan, 10
        for given, error, sentence in (
            ((x[:, :3], y), ShapeError, r"^validation: x: wanted shape"),
            ((x, label), DataError, r"^validation: y: label 10 in row 9"),
            ((nan, y), DataError, r"^validation: x: row 8 holds nan"),
            ((x, None), DataError, r"^validation: y: is missing"),
        ):
            with pytest.raises(error, match=sentence):
                fit(net(), *digits, validation=given)


class TestOptimizer:
    def test_by_name_or_instance_it_starts_fresh_and_attached_it_goes_on(
        self, net, fit, digits, arrays
    ):
        def trained(optimizer, model):
            for _ in range(2):
                fit(model, *digits, optimizer=optimizer)
            return arrays(model)

        fresh = trained(mlpk.optimizers.adam(), net())
        assert same(fresh, trained("adam", net()))
        assert same(fresh, trained({"kind": "adam"}, net()))
        model = net()
        attached = mlpk.optimizers.adam().attach(model)
        assert not same(fresh, trained(attached, model))
        assert attached.t == 2 * 7

    def test_going_on_is_going_on_exactly(self, net, fit, digits):
        """Two runs of one epoch with an attached optimizer: as a loop by hand does it."""
        x, y = digits
        model, by_hand = net({"kind": "dense", "units": 10}), net({"kind": "dense", "units": 10})
        attached = mlpk.optimizers.adam().attach(model)
        for _ in range(2):
            fit(model, x[:64], y[:64], optimizer=attached, shuffle=False)
        updater = mlpk.optimizers.adam().attach(by_hand)
        loss = mlpk.losses.softmax_cross_entropy()
        for start in (0, 32, 0, 32):
            rows = slice(start, start + 32)
            by_hand.backward(loss(by_hand.forward(x[rows], training=True), y[rows])[1])
            updater.step()
        assert same({**model.params}, {**by_hand.params})

    def test_one_of_another_model_is_refused(self, net, fit, digits):
        model = net()
        with pytest.raises(ConfigError, match=r"^optimizer: is attached to another model"):
            fit(model, *digits, optimizer=mlpk.optimizers.sgd().attach(net()))
        # Nor that of the whole for a part: its other gradients would be those of an earlier pass.
        part = model.submodel("dense")
        with pytest.raises(ConfigError, match="attach one to this"):
            fit(part, *digits, optimizer=mlpk.optimizers.sgd().attach(model))
        fit(part, *digits, optimizer="sgd", loss={"dense": "softmax_cross_entropy"})

    def test_frozen_nodes_stay_and_factors_scale(self, net, fit, digits, arrays):
        model = net()
        before = arrays(model)
        fit(model, *digits, frozen=["dense"], lr_factors={"dense_1": 0})
        after = arrays(model)
        moved = {name for name in before if not np.array_equal(before[name], after[name])}
        assert moved == {
            f"batch_norm/{n}" for n in ("gamma", "beta", "running_mean", "running_var")
        }
        slow, fast = net({"kind": "dense", "units": 10}), net({"kind": "dense", "units": 10})
        first = arrays(slow)
        for model, factor in ((slow, 0.25), (fast, 1.0)):
            sgd = mlpk.optimizers.sgd(lr=0.5)
            fit(model, *digits, optimizer=sgd, lr_factors={"dense": factor}, batch_size=203)
        for name, start in first.items():
            np.testing.assert_allclose(
                (fast.params[name] - start) * 0.25, slow.params[name] - start, atol=1e-7
            )

    def test_the_factor_of_a_run_is_a_callbacks_to_set(self, net, fit, digits, arrays):
        class Halt:
            @hookimpl
            def mlpk_epoch_end(self, fit):
                fit.lr_factor = 0.0

        once, twice = net(), net()
        fit(once, *digits)
        fit(twice, *digits, epochs=2, callbacks=[Halt()])
        assert same({**once.params}, {**twice.params})


class TestHistory:
    def test_it_has_a_number_an_epoch_under_each_name(self, net, fit, digits):
        history = fit(net(), *digits, epochs=3, metrics=["accuracy"], validation=digits)
        assert list(history.metrics) == ["loss", "accuracy", "val_loss", "val_accuracy"]
        assert all(len(column) == 3 for column in history.metrics.values())
        assert all(type(value) is float for column in history.metrics.values() for value in column)
        assert len(history) == len(history.seconds) == 3
        assert min(history.seconds) > 0

    def test_the_loss_of_an_epoch_is_the_mean_over_its_rows(self, net, fit, digits):
        """At a rate of 0 without dropout: that of the whole set, whatever the batches."""
        model = net({"kind": "dense", "units": 10}, dtype="float64")
        history = fit(model, *digits, optimizer=mlpk.optimizers.sgd(lr=0.0), batch_size=17)
        wanted = model.evaluate(*digits, loss=LOSS)["loss"]
        assert history.metrics["loss"] == [pytest.approx(wanted, rel=1e-12)]

    def test_real_digits_are_learned(self, fit):
        x, y, x_test, y_test = mlpk.datasets.digits()
        layers = ["flatten", {"kind": "dense", "units": 32}, "batch_norm", "relu"]
        model = mlpk.Model([*layers, {"kind": "dense", "units": 10}], input_shape=(8, 8, 1), seed=0)
        history = fit(
            model, x, y, epochs=8, validation=(x_test, y_test), metrics=["accuracy"],
            optimizer={"kind": "adam", "lr": 0.01},
        )  # fmt: skip
        assert history.metrics["val_accuracy"][-1] > 0.93
        assert history.metrics["loss"][-1] < 0.1 * history.metrics["loss"][0]


class TestFit:
    """The run as its callbacks see it."""

    def test_counts_begin_at_one(self, net, fit, digits):
        seen = []

        class Counter:
            @hookimpl
            def mlpk_fit_begin(self, fit):
                seen.append(("begin", fit.epoch, fit.step, fit.batches, fit.epochs))

            @hookimpl
            def mlpk_batch_end(self, fit):
                seen.append((fit.epoch, fit.batch, fit.step))
                assert list(fit.logs) == ["loss"]

            @hookimpl
            def mlpk_epoch_end(self, fit):
                assert list(fit.logs) == ["loss", "accuracy"]
                assert fit.history.metrics["loss"][-1] == fit.logs["loss"]
                assert fit.optimizer.t == fit.step

        model = net()
        x, y = digits[0][:96], digits[1][:96]
        fit(model, x, y, epochs=2, metrics=["accuracy"], callbacks=[Counter()], batch_size=48)
        assert seen == [("begin", 0, 0, 2, 2), (1, 1, 1), (1, 2, 2), (2, 1, 3), (2, 2, 4)]

    def test_stop_ends_the_run_after_this_batch_and_its_epoch_is_closed(self, net, fit, digits):
        class Stop:
            @hookimpl
            def mlpk_batch_end(self, fit):
                if fit.step == 9:
                    fit.stop()

        steps = []

        class Steps:
            @hookimpl
            def mlpk_epoch_end(self, fit):
                steps.append(fit.step)

        history = fit(net(), *digits, epochs=5, callbacks=[Stop(), Steps()], validation=digits)
        assert steps == [7, 9]
        assert len(history) == len(history.metrics["val_loss"]) == 2

    def test_progress_goes_to_standard_error(self, net, digits, capsys):
        model = net()
        more = {"loss": LOSS, "optimizer": "sgd", "epochs": 2}
        model.fit(*digits, **more)
        out, err = capsys.readouterr()
        assert out == ""
        assert [line.split("  ")[0] for line in err.splitlines()] == ["epoch 1/2", "epoch 2/2"]
        model.fit(*digits, **more, progress=False)
        assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("accumulate", [1, 2])
def test_what_is_infinite_before_any_update_is_told_from_what_diverged(accumulate):
    def run(scale, lr):
        model = mlpk.Model([mlpk.layers.dense(units=1)], input_shape=(2,), seed=0)
        x = np.ones((4, 2))
        x[accumulate:] *= scale
        model.fit(
            x, np.zeros((4, 1)), loss="mean_squared_error", optimizer=mlpk.optimizers.sgd(lr=lr),
            batch_size=1, shuffle=False, accumulate=accumulate, progress=False,
        )  # fmt: skip

    with pytest.raises(
        mlpk.DivergedError, match=r"in step \d, .*: training diverged. Lower the le"
    ):
        run(1.0, 1e30)
    with pytest.raises(
        mlpk.DivergedError, match=r"in step \d, .*: training diverged. Lower the le"
    ):
        run(1e30, 0.1)
    model = mlpk.Model([mlpk.layers.dense(units=1)], input_shape=(2,), seed=0)
    for _ in range(2):  # a run that goes on with an attached optimizer begins anew
        optimizer = mlpk.optimizers.sgd(lr=0.0).attach(model)
        optimizer.step()
        with pytest.raises(
            mlpk.DivergedError, match=r"in step 1, before the first .*Scale the data"
        ):
            model.fit(
                np.full((4, 2), 1e30), np.zeros((4, 1)), loss="mean_squared_error",
                optimizer=optimizer, accumulate=accumulate, progress=False,
            )  # fmt: skip


def test_the_node_that_first_gave_no_number_is_named():
    """Neither those before it, however large what they give, nor those behind it."""
    x, y = np.ones((4, 2)), np.zeros((4, 1))
    how = {"loss": "mean_squared_error", "optimizer": "sgd", "progress": False}
    model = mlpk.Model([mlpk.layers.dense(units=1) for _ in range(3)], input_shape=(2,), seed=0)
    for name in ("dense", "dense_1"):
        model.params[f"{name}/weight"][:] = 1e30
    with pytest.raises(mlpk.DivergedError, match=r"is node 'dense_1' \(dense\): numbers are"):
        model.fit(x, y, **how)
    model = mlpk.Model([mlpk.layers.dense(units=1)], input_shape=(2,), seed=0)
    with pytest.raises(mlpk.DivergedError, match=r"data are finite: numbers are too large"):
        model.fit(1e30 * x, y, **how)  # the square alone is infinite

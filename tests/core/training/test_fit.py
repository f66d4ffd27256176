"""The fit loop and each of its arguments."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, DataError, Example, Metric, define, hookimpl
from mlpk.errors import GraphError, ShapeError, UnknownKindError

LOSS = "softmax_cross_entropy"


@define
class Order(Metric):
    """Writes down which rows it saw: the first value of each prediction."""

    kind: ClassVar[str] = "order"

    seen: ClassVar[list[int]] = []

    def start(self):
        type(self).seen.clear()
        return {"rows": np.zeros((), np.int64)}

    def update(self, state, prediction, target, weight):
        state["rows"] += len(prediction)
        self.seen.extend(int(row) for row in prediction[:, 0].round())

    def result(self, state):
        return float(state["rows"])

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.random((n, 1)), rng.random(n)))


class Orders:
    """The rows of each epoch, in the order in which they came."""

    def __init__(self) -> None:
        self.epochs: list[list[int]] = []

    @hookimpl
    def mlpk_epoch_end(self, fit):
        self.epochs.append(list(Order.seen))


def orders(rows=50, seed=0, fit_seed=None, dropout=False, **more):
    """The orders in which a net that passes x through sees its rows."""
    layers = [{"kind": "dense", "units": 1, "init": "ones"}]
    layers += [{"kind": "dropout", "rate": 0.0}] * dropout
    model = mlpk.Model(layers, input_shape=(1,), dtype="float64", seed=seed)
    watcher = Orders()
    model.fit(
        np.arange(rows, dtype=np.float64)[:, None],
        np.zeros(rows),
        loss="mean_squared_error",
        optimizer=mlpk.optimizers.sgd(lr=0.0),
        metrics=[Order()],
        callbacks=[watcher],
        progress=False,
        seed=fit_seed,
        **{"epochs": 3, "batch_size": 8, **more},
    )
    return watcher.epochs


def same(left, right):
    return all(np.array_equal(left[name], right[name]) for name in left)


class TestOrder:
    def test_every_row_comes_once_an_epoch_in_another_order_each_time(self):
        found = orders()
        assert [sorted(epoch) for epoch in found] == [list(range(50))] * 3
        assert len({tuple(epoch) for epoch in (*found, range(50))}) == 4

    def test_it_rests_on_the_seed_and_the_epoch_alone(self):
        found = orders()
        assert orders(batch_size=50, dropout=True, drop_last=True, epochs=2) == found[:2]
        assert orders(seed=1) != found
        assert orders(seed=1, fit_seed=0) == found
        assert orders(fit_seed=1) == orders(seed=1)

    def test_without_shuffling_rows_come_as_they_stand(self):
        assert orders(shuffle=False, epochs=2) == [list(range(50))] * 2

    def test_drop_last_leaves_a_batch_out(self):
        found = orders(drop_last=True)
        assert [len(epoch) for epoch in found] == [48, 48, 48]
        assert [epoch[:48] for epoch in orders()] == found
        assert orders(drop_last=True, batch_size=100, epochs=1) == orders(epochs=1)


class TestSeeds:
    def test_the_same_seed_gives_the_same_answer(self, net, fit, digits, arrays):
        first, second, other = net(seed=3), net(seed=3), net(seed=4)
        more = {"epochs": 2, "metrics": ["accuracy"], "validation": digits}
        found = fit(first, *digits, **more)
        assert fit(second, *digits, **more).metrics == found.metrics
        assert same(arrays(first), arrays(second))
        assert fit(other, *digits, **more).metrics != found.metrics

    def test_a_fit_after_a_fit_goes_on_with_other_random_numbers(self, net, fit, digits, arrays):
        first, second = net(), net()
        for model in (first, second):
            fit(model, *digits)
            fit(model, *digits)
        assert same(arrays(first), arrays(second))
        # From equal weights a second run shuffles and drops otherwise than the first one.
        third = net()
        fit(third, *digits, optimizer=mlpk.optimizers.sgd(lr=0.0))
        assert same(
            {name: net().params[name] for name in third.params}, {**third.params}
        )
        fit(third, *digits, optimizer="sgd")
        once = net()
        fit(once, *digits, optimizer="sgd")
        assert not same({**third.params}, {**once.params})

    def test_the_seed_of_a_fit_is_also_that_of_dropout(self, net, fit, digits):
        seen = []
        layers = [{"kind": "dropout", "rate": 0.5}, {"kind": "dense", "units": 10}]
        for seed in (0, 0, 1):
            history = fit(net(*layers), *digits, shuffle=False, seed=seed)
            seen.append(history.metrics["loss"])
        assert seen[0] == seen[1] != seen[2]

    def test_a_fit_that_was_refused_uses_up_no_seed(self, net, fit, digits, arrays):
        first, second = net(), net()
        for wrong in ({"loss": "nope"}, {"callbacks": [3]}, {"weight": -np.ones(203)}):
            with pytest.raises((ConfigError, UnknownKindError, DataError)):
                fit(first, *digits, **wrong)
        fit(first, *digits)
        fit(second, *digits)
        assert same(arrays(first), arrays(second))

    @pytest.mark.parametrize("seed", [-1, 1.0, True, "0"])
    def test_a_wrong_seed_is_refused(self, net, fit, digits, seed):
        with pytest.raises(ConfigError, match="^seed: wanted"):
            fit(net(), *digits, seed=seed)


class TestData:
    def test_what_comes_in_batches_trains_like_arrays(self, net, fit, digits, arrays):
        x, y = digits
        weight = np.random.default_rng(0).random(len(x))
        whole, parts = net(), net()
        found = fit(whole, x, y, weight=weight, shuffle=False, epochs=2)
        stream = [
            (x[start : start + 32], y[start : start + 32], weight[start : start + 32])
            for start in range(0, len(x), 32)
        ]
        assert fit(parts, stream, epochs=2).metrics == found.metrics
        assert same(arrays(whole), arrays(parts))
        once = net()
        fit(once, (batch for batch in stream))
        again = net()
        fit(again, x, y, weight=weight, shuffle=False)
        assert same(arrays(once), arrays(again))

    def test_a_generator_for_two_epochs_is_refused_at_once(self, net, fit, digits):
        seen = []
        generator = (seen.append(1) or digits for _ in range(3))
        with pytest.raises(DataError, match="walked once, but epochs=2; give a list"):
            fit(net(), generator, epochs=2)
        assert not seen

    def test_bare_tuples_and_lists_are_refused_with_advice(self, net, fit, digits):
        x, y = digits
        for given in ((x, y), [x, y], x.tolist()):
            with pytest.raises(DataError, match="several inputs or outputs as a dict by name"):
                fit(net(), given, y)

    def test_batches_bring_their_own_targets(self, net, fit, digits):
        for more in ({"y": digits[1]}, {"weight": np.ones(203)}):
            with pytest.raises(DataError, match="batches bring their own"):
                fit(net(), [digits], **more)

    def test_dicts_serve_several_inputs_and_outputs(self, fit, digits):
        x, y = digits
        top, bottom = (mlpk.Input((32,), name=name) for name in ("top", "bottom"))
        joined = mlpk.layers.concatenate()(top, bottom)
        digit = mlpk.layers.dense(units=10)(joined, name="digit")
        odd = mlpk.layers.dense(units=1)(joined, name="odd")
        model = mlpk.Model(inputs=[top, bottom], outputs=[digit, odd], seed=0)
        rows = {"top": x[:, :32], "bottom": x[:, 32:]}
        history = fit(
            model,
            rows,
            {"digit": y, "odd": y % 2},
            loss={"digit": LOSS, "odd": "binary_cross_entropy"},
            metrics={"digit": ["accuracy"], "odd": [{"kind": "accuracy", "threshold": 0.0}]},
            epochs=2,
        ).metrics
        names = ["loss", "digit_loss", "odd_loss", "digit_accuracy", "odd_accuracy"]
        assert list(history) == names
        both = np.add(history["digit_loss"], history["odd_loss"])
        np.testing.assert_allclose(history["loss"], both, rtol=1e-12)
        assert history["loss"][1] < history["loss"][0]
        with pytest.raises(ConfigError, match=r"^x\['botom'\]: there is no 'botom'"):
            fit(model, {"top": x, "botom": x}, y, loss={"digit": LOSS})
        with pytest.raises(ConfigError, match=r"^y\['odd'\]: is missing from the dict"):
            fit(model, rows, {"digit": y}, loss={"digit": LOSS, "odd": "binary_cross_entropy"})
        fit(model, rows, {"digit": y}, loss={"digit": LOSS})
        fit(model, rows, y, loss={"digit": LOSS})

    def test_integers_and_doubles_train_like_singles(self, net, fit, digits, arrays):
        x, y = digits
        plain, double, whole = net(), net(), net()
        counts = (x * 16).astype(np.uint8)
        fit(plain, counts.astype(np.float32), y)
        fit(double, counts.astype(np.float64), y)
        fit(whole, counts, y)
        assert same(arrays(plain), arrays(double))
        assert same(arrays(plain), arrays(whole))

    @pytest.mark.parametrize(
        ("change", "error", "sentence"),
        [
            ({"x": np.zeros((0, 64)), "y": np.zeros(0)}, DataError, "x: wanted at least one row"),
            ({"x": []}, DataError, "wanted at least one batch, found none"),
            ({"y": None}, DataError, "y: is missing; each row of x needs a target"),
            ({"epochs": 0}, ConfigError, "epochs: wanted a whole number from 1, found 0"),
            ({"batch_size": 2.5}, ConfigError, "batch_size: wanted a whole number from 1"),
            ({"accumulate": True}, ConfigError, "accumulate: wanted a whole number from 1"),
            ({"loss": "softmax_cross_entropi"}, UnknownKindError, "Did you mean"),
            ({"optimizer": 3}, ConfigError, "optimizer: wanted one of the optimizers"),
            ({"regularizer": "l3"}, UnknownKindError, "there is no 'l3' among the regularizers"),
            ({"metrics": "accuracy"}, ConfigError, "metrics: wanted a list of metrics"),
            ({"metrics": ["loss"]}, UnknownKindError, "there is no 'loss' among the metrics"),
            ({"frozen": "dense"}, ConfigError, "frozen: wanted a list of node names"),
            ({"lr_factors": {"nope": 1}}, ConfigError, "lr_factors: there is no node 'nope'"),
            ({"resume": True}, ConfigError, "resume: wants checkpoint= too"),
            ({"checkpoint": True}, ConfigError, "checkpoint: wanted the path of a file"),
            ({"checkpoint": "/nowhere/run.mlpk"}, mlpk.FileAccessError, "there is no folder"),
            ({"validation": np.zeros((2, 64))}, ConfigError, "validation: wanted a tuple"),
            ({"validation": (1, 2, 3, 4)}, ConfigError, "found a tuple of 4"),
        ],
    )
    def test_wrong_arguments_are_refused_before_the_first_step(
        self, net, fit, digits, arrays, change, error, sentence
    ):
        x, y = digits
        model = net()
        before = arrays(model)
        given = {"x": x, "y": None if "x" in change else y, **change}
        with pytest.raises(error, match=sentence):
            fit(model, **given)
        assert same(before, arrays(model))

    def test_a_label_out_of_range_is_named_before_training(self, net, fit, digits, arrays):
        x, y = digits[0], digits[1].copy()
        y[180] = -1
        model = net()
        before = arrays(model)
        with pytest.raises(DataError, match=r"^y: label -1 in row 180: wanted 0 to 9") as caught:
            fit(model, x, y)
        assert caught.value.row == 180
        assert same(before, arrays(model))

    def test_a_net_that_ends_in_softmax_is_refused_and_told_why(self, net, fit, digits):
        with pytest.raises(GraphError, match="Take softmax off the end"):
            fit(net({"kind": "dense", "units": 10}, "softmax"), *digits)


class TestBatchOfOne:
    """Batch normalisation cannot train on one row: told before the first step."""

    def test_the_last_one_of_an_epoch(self, net, fit, digits, arrays):
        x, y = digits[0][:65], digits[1][:65]
        model = net()
        before = arrays(model)
        with pytest.raises(DataError, match=r"node 'batch_norm' .* drop_last=True"):
            fit(model, x, y)
        assert same(before, arrays(model))
        fit(model, x, y, drop_last=True)

    def test_advice_is_not_given_where_it_would_not_help(self, net, fit, digits):
        x, y = digits
        for more in ({}, {"drop_last": True}):
            with pytest.raises(DataError, match="batches have 1; pass a larger batch_size"):
                fit(net(), x[:65], y[:65], batch_size=1, **more)
            with pytest.raises(DataError, match="x has 1; give more"):
                fit(net(), x[:1], y[:1], **more)

    def test_it_is_no_matter_without_batch_normalisation(self, net, fit, digits):
        fit(net({"kind": "dense", "units": 10}), digits[0][:33], digits[1][:33])


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


class TestWeights:
    def test_rows_of_weight_zero_are_absent(self, fit, digits):
        x, y = digits
        weight = (np.arange(len(x)) % 3 > 0).astype(np.float64)
        layers = [{"kind": "dense", "units": 5}, "tanh", {"kind": "dense", "units": 10}]
        left, right = (
            mlpk.Model(layers, input_shape=(64,), dtype="float64", seed=0) for _ in range(2)
        )
        kept = weight > 0
        more = {"batch_size": 500, "epochs": 3, "metrics": ["accuracy"]}
        found = fit(left, x, y, weight=weight, **more).metrics
        wanted = fit(right, x[kept], y[kept], **more).metrics
        assert found["loss"] == pytest.approx(wanted["loss"], rel=1e-10)
        assert found["accuracy"] == pytest.approx(wanted["accuracy"])

    def test_the_scale_of_the_weights_does_not_matter(self, net, fit, digits):
        weight = np.random.default_rng(0).random(203)
        found = [
            fit(net(dtype="float64"), *digits, weight=scale * weight).metrics["loss"][0]
            for scale in (1.0, 8.0)
        ]
        assert found[0] == pytest.approx(found[1], rel=1e-12)


class TestOptimizer:
    def test_by_name_or_instance_it_starts_fresh_and_attached_it_goes_on(
        self, net, fit, digits, arrays
    ):
        def trained(optimizer):
            model = net()
            attached = optimizer.attach(model) if optimizer == adam_attached else optimizer
            fit(model, *digits, optimizer=attached)
            fit(model, *digits, optimizer=attached)
            return arrays(model), attached

        adam_attached = mlpk.optimizers.adam(beta1=0.95)
        fresh, _ = trained(mlpk.optimizers.adam())
        assert same(fresh, trained("adam")[0])
        assert same(fresh, trained({"kind": "adam"})[0])
        going_on, attached = trained(adam_attached)
        assert attached.t == 2 * 7
        assert not same(fresh, going_on)

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
        fit(model, *digits, frozen=["dense", "batch_norm"], lr_factors={"dense_1": 0})
        after = arrays(model)
        moved = {name for name in before if not np.array_equal(before[name], after[name])}
        assert moved == {"batch_norm/running_mean", "batch_norm/running_var"}
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

"""What `fit` takes for data, and what it refuses before the first step."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, DataError
from mlpk.errors import GraphError, UnknownKindError

LOSS = "softmax_cross_entropy"


def same(left, right):
    return all(np.array_equal(left[name], right[name]) for name in left)


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
            ({"metrics": "acuracy"}, UnknownKindError, "Did you mean 'accuracy'"),
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
        with pytest.raises(GraphError, match=r"Take softmax off the end; .*\['softmax'\]"):
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
            fit(net(), x[:1], y[:1])

    def test_it_is_no_matter_without_batch_normalisation(self, net, fit, digits):
        fit(net({"kind": "dense", "units": 10}), digits[0][:33], digits[1][:33])


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


@pytest.mark.parametrize("flag", ["shuffle", "drop_last"])
def test_a_text_is_no_flag(net, fit, digits, flag):
    with pytest.raises(mlpk.ConfigError, match=f"^{flag}: wanted true or false, found 'no'"):
        fit(net(), *digits, **{flag: "no"})

"""What can be told of targets, weights and fields is told before the first step."""

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, DataError, hookimpl

LOSS = "softmax_cross_entropy"


class Steps:
    """Counts the steps of a run."""

    def __init__(self) -> None:
        self.seen = 0

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.seen = fit.step


@pytest.fixture
def refused(net, fit, digits):
    """Return what expects a run to be refused with a sentence, before any step."""
    x, y = digits

    def check(error, sentence, labels=y, **more):
        steps = Steps()
        with pytest.raises(error, match=sentence) as caught:
            fit(net(), x, labels, callbacks=[steps], **more)
        assert steps.seen == 0
        return caught.value

    return check


class TestMetrics:
    """Their targets are looked at as those of losses are."""

    def test_targets_name_array_and_row(self, refused, digits):
        labels = digits[1].copy()
        labels[150] = -1
        more = {"loss": {"kind": LOSS, "ignore_index": -1}, "metrics": ["accuracy"]}
        error = refused(DataError, "^y for accuracy: label -1 in row 150: wanted", labels, **more)
        assert error.row == 150

    def test_validation_is_told_apart(self, refused, digits):
        x, y = digits
        labels = y[:50].copy()
        labels[7] = -1
        more = {"loss": {"kind": LOSS, "ignore_index": -1}, "metrics": ["accuracy"]}
        error = refused(
            DataError,
            "^validation: y for accuracy: label -1 in row 7: wanted 0 to 9",
            validation=(x[:50], labels),
            **more,
        )
        assert error.row == 7
        # Of losses too, which came first.
        labels[7] = 10
        refused(DataError, "^validation: y: label 10 in row 7", validation=(x[:50], labels), **more)

    def test_evaluation_without_a_loss(self, net, digits):
        x, y = digits[0], digits[1].copy()
        y[150] = 12
        with pytest.raises(DataError, match=r"^y for accuracy: label 12 in row 150: wanted 0 to 9"):
            net().evaluate(x, y, metrics=["accuracy"])

    def test_of_several_outputs_the_one_is_named(self):
        x = mlpk.Input((2,), name="x")
        left = mlpk.layers.dense(units=3)(x, name="left")
        right = mlpk.layers.dense(units=3)(x, name="right")
        model = mlpk.Model(inputs=x, outputs=[left, right], seed=0)
        labels = {"left": np.array([0, 1, 2]), "right": np.array([0, 3, 2])}
        rows = np.ones((3, 2))
        with pytest.raises(DataError, match=r"^y\['right'\] for accuracy: label 3 in row 1"):
            model.evaluate(rows, labels, metrics={"left": "accuracy", "right": "accuracy"})
        metrics = {"left": ["accuracy", "f1"], "right": "accuracy"}
        with pytest.raises(ConfigError, match=r"^metrics\['left'\]\[1\].average: 'binary' is for"):
            model.evaluate(rows, labels, metrics=metrics)
        with pytest.raises(ConfigError, match=r"^metrics\['right'\].k: must be >= 1"):
            model.evaluate(rows, labels, metrics={"right": {"kind": "top_k_accuracy", "k": 0}})
        weights = {"kind": LOSS, "class_weight": [1.0, 2.0]}
        labels["right"][1] = 0
        with pytest.raises(ConfigError, match=r"^loss\['right'\].class_weight: wanted 3 numbers"):
            model.evaluate(rows, labels, loss={"left": LOSS, "right": weights})

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"kind": "precision", "average": "most"}, r"^metrics\[1\].average: wanted 'binary'"),
            ({"kind": "precision", "averag": "macro"}, r"^metrics\[1\].averag: there is no such"),
            ("precision", r"^metrics\[1\].average: 'binary' is for two classes, found 10"),
            (mlpk.metrics.f1(), r"^metrics\[1\].average: 'binary' is for two classes, found 10"),
            ("roc_auc", r"^metrics\[1\]: wanted a single score, or one for each of two"),
            (7, r"^metrics\[1\]: wanted one of the metrics"),
        ],
        ids=str,
    )
    def test_of_several_metrics_the_one_is_named(self, refused, wrong, sentence):
        refused(ConfigError, sentence, metrics=["accuracy", wrong])

    def test_a_missing_threshold_is_told_at_once(self, fit):
        model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(2,), seed=0)
        more = {"loss": "binary_cross_entropy", "metrics": ["accuracy"]}
        with pytest.raises(ConfigError, match=r"^metrics\[0\].threshold: is missing: a single"):
            fit(model, np.ones((4, 2)), np.array([0, 1, 0, 1]), **more)

    def test_shapes_of_a_regression(self, net, digits):
        model, wrong = net({"kind": "dense", "units": 2}), np.ones((203, 3))
        sentence = r"^y for r2: wanted targets of shape \(203, 2\), .* found shape \(203, 3\)"
        with pytest.raises(DataError, match=sentence):
            model.evaluate(digits[0], wrong, metrics=["r2"])

    def test_a_generator_of_metrics_would_serve_once(self, refused):
        refused(ConfigError, "^metrics: wanted a list", metrics=(name for name in ["accuracy"]))


class TestMass:
    """A set where nothing counts, or too much, trains nothing."""

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_weights_that_are_all_zero(self, net, fit, digits, dtype):
        x, y = digits
        for zero in (0.0, 1e-320 if dtype == "float32" else 0.0):
            with pytest.raises(DataError, match=r"^weight: wanted some rows that count, found 203"):
                fit(net(dtype=dtype), x, y, weight=np.full(len(x), zero))
            valid = (x[:5], y[:5], np.full(5, zero))
            with pytest.raises(
                DataError, match=r"^validation: weight: wanted some rows that count"
            ):
                fit(net(dtype=dtype), x, y, validation=valid)

    def test_labels_that_are_all_ignored(self, refused, digits):
        loss = {"kind": LOSS, "ignore_index": -1}
        none = np.full(len(digits[1]), -1)
        refused(DataError, "^y: wanted some rows that count, found none: soft", none, loss=loss)
        some = none.copy()
        some[3] = 4
        weight = np.ones(len(some))
        weight[3] = 0  # the only row with a label
        refused(DataError, "^y: wanted some rows that count", some, loss=loss, weight=weight)
        valid = (digits[0][:5], none[:5])
        refused(
            DataError, "^validation: y: wanted some rows that count", loss=loss, validation=valid
        )

    def test_class_weights_that_leave_nothing(self, refused, digits):
        loss = {"kind": LOSS, "class_weight": [0.0] * 9 + [1.0]}
        refused(DataError, "^y: wanted some rows", np.zeros(len(digits[1]), int), loss=loss)

    def test_sums_that_the_dtype_cannot_hold(self, refused, net, fit, digits):
        weight = np.full(len(digits[1]), 3e38)
        refused(DataError, "^y: wanted weights whose sum float32 can hold", weight=weight)
        history = fit(net(dtype="float64"), *digits, weight=weight, accumulate=2)
        assert np.isfinite(history.metrics["loss"]).all()

    @pytest.mark.parametrize(
        ("weight", "sentence"),
        [
            (np.nan, "^weight: wanted numbers from 0, found nan in row 5"),
            (np.inf, "^weight: wanted numbers from 0 to 3.4e.38, the most that float32 holds"),
            (1e39, "^weight: wanted numbers from 0 to 3.4e.38, .* found 1e.39 in row 5"),
        ],
    )
    def test_a_weight_names_its_row(self, refused, digits, weight, sentence):
        given = np.ones(len(digits[1]))
        given[5] = weight
        assert refused(DataError, sentence, weight=given).row == 5

    def test_a_batch_where_nothing_counts_adds_nothing(self, net, fit, digits):
        """A third batch of ignored labels changes neither the mean nor, without momentum, weights."""
        x, y = digits
        labels = y[:96].copy()
        labels[64:] = -1
        loss = {"kind": LOSS, "ignore_index": -1}
        more = {"optimizer": "sgd", "shuffle": False, "batch_size": 32, "epochs": 1}
        dense = {"kind": "dense", "units": 10}
        model, shorter = net(dense), net(dense)
        found = fit(model, x[:96], labels, loss=loss, **more).metrics
        wanted = fit(shorter, x[:64], y[:64], loss=loss, **more).metrics
        assert found == wanted
        np.testing.assert_array_equal(model.params["dense/weight"], shorter.params["dense/weight"])
        streamed = net(dense)
        batches = [(x[at : at + 32], labels[at : at + 32]) for at in (0, 32, 64)]
        assert fit(streamed, batches, loss=loss, optimizer="sgd").metrics == wanted


class TestFieldsOfLosses:
    """What is wrong with a field is told of the field, not of y."""

    @pytest.mark.parametrize("make", [dict, lambda **fields: mlpk.Loss.of(fields)])
    def test_class_weights(self, refused, make):
        short = make(kind=LOSS, class_weight=[1.0, 2.0])
        refused(
            ConfigError, "^loss.class_weight: wanted 10 numbers, one a class, found 2", loss=short
        )
        huge = make(kind=LOSS, class_weight=[1.0] * 9 + [1e308])
        sentence = "^loss.class_weight: wanted numbers up to 3.4e.38, the most that float32 holds"
        refused(ConfigError, sentence, loss=huge)

    def test_soft_targets_name_their_row(self, refused, digits):
        soft = np.eye(10)[digits[1]]
        soft[123] *= 2
        error = refused(DataError, "^y: the shares in row 123 sum to 2: wanted 1", soft)
        assert error.row == 123

    def test_those_of_a_stream_name_batch_and_row(self, fit, net, digits):
        x, soft = digits[0], np.eye(10)[digits[1]]
        soft[45] *= 2
        batches = [(x[at : at + 40], soft[at : at + 40]) for at in (0, 40, 80)]
        with pytest.raises(DataError, match="the shares in row 5 of batch 1 sum to 2"):
            fit(net(), batches)

    def test_an_output_that_does_not_suit_is_no_fault_of_y(self, fit):
        model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(2,), seed=0)
        x, y = np.ones((4, 2)), np.array([0, 1, 0, 1])
        with pytest.raises(ConfigError, match=r"^loss: wanted two classes or more, found 1"):
            fit(model, x, y)
        with pytest.raises(ConfigError, match=r"^loss: wanted predictions \(N, 3, d\)"):
            fit(model, x, y, loss="triplet")

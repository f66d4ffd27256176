"""What every metric keeps, whatever it measures."""

import numpy as np
import pytest

from mlpk import DataError, Metric
from mlpk_plugins.losses.binary_cross_entropy import BinaryCrossEntropy
from mlpk_plugins.metrics import mlpk_metrics

EXAMPLES = [example for metric in mlpk_metrics() for example in metric.examples()]
REGRESSION = {"mean_absolute_error", "mean_squared_error", "r2"}
OF_CLASSES = [each for each in EXAMPLES if each.instance.kind not in REGRESSION]
every_example = pytest.mark.parametrize("example", EXAMPLES, ids=repr)


def drawn(example, rows=12):
    prediction, target = example.inputs(np.random.default_rng(1), rows)
    return prediction, target


def measured(metric, prediction, target, weight=None):
    state = metric.start()
    metric.update(state, prediction, target, weight)
    return metric.result(state)


@every_example
def test_the_check_lets_through_what_can_be_measured(example):
    prediction, target = drawn(example)
    example.instance.check(prediction.shape[1:], target)


@every_example
def test_the_check_refuses_what_cannot_be_measured(example):
    prediction, target = drawn(example)
    wrong = np.stack([target, target], axis=-1)[..., None]
    for refused in (
        lambda: example.instance.check(prediction.shape[1:], wrong),
        lambda: measured(example.instance, prediction, wrong),
    ):
        with pytest.raises(DataError, match="found shape"):
            refused()


@every_example
def test_a_row_of_weight_zero_is_as_if_it_were_not_there(example):
    prediction, target = drawn(example)
    weight = np.random.default_rng(2).uniform(0.1, 2, 12)
    weight[[0, 3, 11]] = 0
    kept = weight > 0
    found = measured(example.instance, prediction, target, weight)
    wanted = measured(example.instance, prediction[kept], target[kept], weight[kept])
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@every_example
@pytest.mark.parametrize("size", [1e25, np.inf, -np.inf, np.nan])
def test_a_row_of_weight_zero_may_hold_anything(example, size):
    prediction, target = drawn(example)
    prediction = prediction.astype("float32")
    weight = np.random.default_rng(2).uniform(0.1, 2, 12)
    weight[[0, 3, 11]] = 0
    wanted = measured(example.instance, prediction, target, weight)
    with np.errstate(all="ignore"):
        prediction[[0, 3, 11]] *= np.float32(size)
        found = measured(example.instance, prediction, target, weight)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_each_says_which_way_is_better():
    assert {metric.kind: metric.best for metric in mlpk_metrics()} == {
        "accuracy": "max",
        "confusion_matrix": None,
        "f1": "max",
        "mean_absolute_error": "min",
        "mean_squared_error": "min",
        "per_class_accuracy": "max",
        "precision": "max",
        "r2": "max",
        "recall": "max",
        "roc_auc": "max",
        "top_k_accuracy": "max",
    }


@pytest.mark.parametrize("kind", ["accuracy", "f1", "confusion_matrix", "roc_auc"])
@pytest.mark.parametrize("dtype", ["int64", "float32"])
def test_single_scores_ignore_what_the_loss_ignores(kind, dtype):
    fields = {} if kind == "roc_auc" else {"threshold": 0.0}
    metric = Metric.of({"kind": kind, "ignore_index": -1, **fields})
    scores, target = np.array([[0.5], [-2.0], [3.0], [1.0]]), np.array([1, -1, 0, 1])
    BinaryCrossEntropy(ignore_index=-1).check((1,), target.astype(dtype))
    metric.check((1,), target.astype(dtype))
    found = measured(metric, scores, target.astype(dtype))
    kept = target >= 0
    np.testing.assert_array_equal(found, measured(metric, scores[kept], target[kept]))
    for wrong in (-2, 2):
        target[2] = wrong
        with pytest.raises(DataError, match=r"row 2: wanted 0 to 1, or -1$"):
            metric.check((1,), target.astype(dtype))


@pytest.mark.parametrize("example", OF_CLASSES, ids=repr)
def test_predictions_that_are_all_nan_hit_nothing(example):
    prediction, target = drawn(example)
    found = measured(example.instance, np.full(prediction.shape, np.nan), target)
    np.testing.assert_array_equal(found, np.zeros(np.shape(found)))


@every_example
def test_float32_predictions_give_what_float64_gives(example):
    prediction, target = drawn(example)
    prediction = prediction.astype(np.float32)
    weight = np.random.default_rng(3).uniform(0.1, 2, 12).astype(np.float32)
    found = measured(example.instance, prediction, target, weight)
    wanted = measured(example.instance, prediction.astype(float), target, weight.astype(float))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)

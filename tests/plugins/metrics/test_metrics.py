"""What every metric keeps, whatever it measures."""

import numpy as np
import pytest

from mlpk import DataError
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

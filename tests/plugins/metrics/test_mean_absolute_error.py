"""Mean absolute error: by hand, in pieces, and no broadcasting by accident."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import DataError
from mlpk_plugins.metrics import mlpk_metrics
from mlpk_plugins.metrics.mean_absolute_error import MeanAbsoluteError

PREDICTION = np.array([[1.0, 2.0], [3.0, 4.0]])
TARGET = np.array([[1.5, 1.0], [3.0, 1.5]])  # errors 0.5, 1, 0, 2.5


def measured(prediction, target, weight=None):
    metric = MeanAbsoluteError()
    state = metric.start()
    metric.update(state, prediction, target, weight)
    return metric.result(state)


def test_by_hand():
    assert measured(PREDICTION, TARGET) == 1.0
    weighted = (3 * (0.5 + 1) + 1 * (0 + 2.5)) / (3 * 2 + 1 * 2)
    assert measured(PREDICTION, TARGET, np.array([3.0, 1.0])) == weighted
    assert measured(PREDICTION[:, 0], np.array([2, 5])) == 1.5


@pytest.mark.parametrize("shapes", [((4, 1), (4,)), ((4,), (4, 1)), ((2, 2, 1), (2, 2))])
def test_a_missing_last_axis_is_no_reason_to_broadcast(shapes):
    prediction = np.array([1.0, 2.0, 3.0, 4.0]).reshape(shapes[0])
    assert measured(prediction, np.array([1.0, 2.0, 3.0, 8.0]).reshape(shapes[1])) == 1.0


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(0, 20))
def test_pieces_give_what_the_formula_gives(seed, n, cut):
    rng = np.random.default_rng(seed)
    prediction, target = rng.standard_normal((2, n, 3)).astype(np.float32)
    weight = rng.uniform(0.1, 2, n)
    metric = MeanAbsoluteError()
    state = metric.start()
    for part in (slice(cut), slice(cut, None)):
        metric.update(state, prediction[part], target[part], weight[part])
    gaps = np.abs(prediction - target).astype(float)
    expected = np.einsum("n,nk->", weight, gaps) / (3 * weight.sum())
    assert metric.result(state) == pytest.approx(expected, rel=1e-12)
    assert type(metric.result(state)) is float


def test_no_rows_give_nan():
    assert math.isnan(MeanAbsoluteError().result(MeanAbsoluteError().start()))


@pytest.mark.parametrize(
    "target", [(2,), (2, 1), (2, 3), (3, 2), (2, 2, 2), (2, 2, 1, 1), (4,), ()]
)
def test_shapes_that_do_not_fit_are_refused(target):
    with pytest.raises(DataError, match=r"wanted targets of shape \(2, 2\).*found shape"):
        measured(PREDICTION, np.zeros(target))


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match=r"shape \(2,\), found shape \(3,\)"):
        measured(PREDICTION, TARGET, np.ones(3))


def test_the_hook_brings_all_metrics():
    kinds = [cls.kind for cls in mlpk_metrics()]
    assert kinds == [
        "accuracy", "confusion_matrix", "f1", "mean_absolute_error", "mean_squared_error",
        "per_class_accuracy", "precision", "r2", "recall", "roc_auc", "top_k_accuracy",
    ]  # fmt: skip

"""Mean squared error and r2: by hand, in pieces, against scikit-learn, far from zero."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import DataError
from mlpk_plugins.metrics.mean_squared_error import MeanSquaredError
from mlpk_plugins.metrics.r2 import R2

PREDICTION = np.array([[1.0, 2.0], [3.0, 4.0]])
TARGET = np.array([[1.5, 1.0], [3.0, 1.5]])  # errors 0.5, 1, 0, 2.5


def measured(metric, prediction, target, weight=None):
    state = metric.start()
    metric.update(state, prediction, target, weight)
    return metric.result(state)


def test_squares_by_hand():
    assert measured(MeanSquaredError(), PREDICTION, TARGET) == (0.25 + 1 + 0 + 6.25) / 4
    weighted = (3 * (0.25 + 1) + 1 * (0 + 6.25)) / (3 * 2 + 1 * 2)
    assert measured(MeanSquaredError(), PREDICTION, TARGET, np.array([3.0, 1.0])) == weighted


def test_r2_by_hand():
    # Targets 1, 2, 3, 6 have the mean 3 and the spread 4 + 1 + 0 + 9; the errors square to 7.
    target, prediction = np.array([1.0, 2.0, 3.0, 6.0]), np.array([2.0, 2.0, 1.0, 4.0 + 2**0.5])
    missed = 1 + 0 + 4 + (2 - 2**0.5) ** 2
    assert measured(R2(), prediction, target) == pytest.approx(1 - missed / 14)
    # Columns: 1 - 0.25 / 1.125, and 1 - 7.25 / 0.125.
    assert measured(R2(), PREDICTION, TARGET) == pytest.approx((1 - 0.25 / 1.125 + 1 - 58) / 2)


def test_the_mean_is_worth_nothing_and_the_truth_everything():
    target = np.random.default_rng(0).standard_normal((50, 3))
    assert measured(R2(), target, target) == 1.0
    mean = np.broadcast_to(target.mean(axis=0), target.shape)
    assert measured(R2(), mean, target) == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("shapes", [((4, 1), (4,)), ((4,), (4, 1))])
@pytest.mark.parametrize(("metric", "wanted"), [(MeanSquaredError(), 4.0), (R2(), 1 - 16 / 29)])
def test_a_missing_last_axis_is_no_reason_to_broadcast(metric, wanted, shapes):
    prediction = np.array([1.0, 2.0, 3.0, 4.0]).reshape(shapes[0])
    target = np.array([1, 2, 3, 8]).reshape(shapes[1])
    assert measured(metric, prediction, target) == pytest.approx(wanted)


@pytest.fixture(scope="module")
def theirs():
    """Return scikit-learn's metrics, imported before any clock runs."""
    return pytest.importorskip("sklearn.metrics")


@given(st.integers(0, 2**32), st.integers(3, 30), st.integers(1, 3), st.integers(0, 30))
def test_pieces_give_what_scikit_learn_gives(theirs, seed, n, columns, cut):
    rng = np.random.default_rng(seed)
    prediction, target = rng.standard_normal((2, n, columns))
    weight = rng.uniform(0.1, 2, n)
    pairs = [(MeanSquaredError(), theirs.mean_squared_error), (R2(), theirs.r2_score)]
    for metric, function in pairs:
        state = metric.start()
        for part in (slice(cut), slice(cut, None)):
            metric.update(state, prediction[part], target[part], weight[part])
        wanted = function(target, prediction, sample_weight=weight)
        assert metric.result(state) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
        assert type(metric.result(state)) is float


def test_targets_far_from_zero_lose_no_digits():
    rng = np.random.default_rng(0)
    near = rng.standard_normal(10_000)
    prediction = near + 0.5 * rng.standard_normal(10_000)
    wanted = measured(R2(), prediction, near)
    metric, state = R2(), R2().start()
    for at in range(0, 10_000, 1000):
        rows = slice(at, at + 1000)
        metric.update(state, prediction[rows] + 1e6, near[rows] + 1e6, None)
    assert metric.result(state) == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("metric", [MeanSquaredError(), R2()], ids=lambda metric: metric.kind)
def test_nothing_gives_nan(metric):
    assert math.isnan(metric.result(metric.start()))
    assert math.isnan(measured(metric, PREDICTION, TARGET, np.zeros(2)))


def test_r2_of_targets_that_do_not_vary_is_nan():
    assert math.isnan(measured(R2(), PREDICTION, np.array([[1.0, 2.0], [1.0, 2.0]])))
    assert math.isnan(measured(R2(), PREDICTION, TARGET, np.array([0.0, 3.0])))


def test_targets_that_do_not_vary_are_no_part_of_the_mean():
    # The second column is missed by 0.5 and 0.5, around targets that lie 0.5 from their mean.
    prediction, target = np.array([[9.0, 2.5], [1.0, 2.5]]), np.array([[1.0, 2.0], [1.0, 3.0]])
    assert measured(R2(), prediction, target) == 0.0


@given(st.integers(0, 2**32), st.integers(4, 30), st.integers(1, 3), st.integers(0, 3))
def test_what_varies_is_averaged_as_scikit_learn_does(theirs, seed, n, columns, still):
    """Also where a row of weight 0 is all that differs, and pieces are cut anywhere."""
    rng = np.random.default_rng(seed)
    prediction, target = rng.standard_normal((2, n, columns + still))
    weight = rng.uniform(0.1, 2, n)
    weight[rng.integers(n, size=1)] = 0
    order = rng.permutation(columns + still)
    target[:, order[columns:]] = np.where(weight[:, None] > 0, rng.standard_normal(still), 7.0)
    varying = np.sort(order[:columns])
    metric, state, cut = R2(), R2().start(), rng.integers(n + 1)
    for part in (slice(cut), slice(cut, None)):
        metric.update(state, prediction[part], target[part], weight[part])
    wanted = theirs.r2_score(target[:, varying], prediction[:, varying], sample_weight=weight)
    assert metric.result(state) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e6 + 0.1])
def test_also_where_their_mean_is_rounded(value):
    """The mean of seven times 0.1 need not be 0.1, which would be a spread of next to nothing."""
    metric, state = R2(), R2().start()
    for rows in (7, 3, 11):
        weight = np.random.default_rng(rows).uniform(0.1, 2, rows)
        metric.update(state, np.zeros(rows), np.full(rows, value), weight)
    assert math.isnan(metric.result(state))


@pytest.mark.parametrize("metric", [MeanSquaredError(), R2()], ids=lambda metric: metric.kind)
def test_what_does_not_fit_is_refused(metric):
    for shape in ((2,), (2, 1), (2, 3), (3, 2), (4,), ()):
        with pytest.raises(DataError, match=r"wanted targets of shape \(2, 2\).*found shape"):
            measured(metric, PREDICTION, np.zeros(shape))
    for shape in ((2,), (2, 1), (2, 3), (4,)):
        with pytest.raises(DataError, match=r"wanted targets of shape \(., 2\).*found shape"):
            metric.check((2,), np.zeros(shape))
    with pytest.raises(DataError, match=r"shape \(2,\), found shape \(3,\)"):
        measured(metric, PREDICTION, TARGET, np.ones(3))

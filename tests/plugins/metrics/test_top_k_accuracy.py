"""Top-k accuracy: by hand, with ties and nan, and against sorting."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import ConfigError, DataError
from mlpk_plugins.metrics.accuracy import Accuracy
from mlpk_plugins.metrics.top_k_accuracy import TopKAccuracy

SCORES = np.array([[4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 1.0, 3.0]])
LABELS = np.array([1, 1, 1])  # ranks 2, 3 and 1


def measured(metric, prediction, target, weight=None):
    state = metric.start()
    metric.update(state, prediction, target, weight)
    return metric.result(state)


@pytest.mark.parametrize(("k", "share"), [(1, 1 / 3), (2, 2 / 3), (3, 1.0)])
def test_by_hand(k, share):
    metric = TopKAccuracy(k=k)
    assert measured(metric, SCORES, LABELS) == pytest.approx(share)
    assert measured(metric, SCORES, np.eye(4)[LABELS]) == pytest.approx(share)


def test_weights_and_ignored_labels():
    weight = np.array([1.0, 4.0, 3.0])
    assert measured(TopKAccuracy(k=2), SCORES, LABELS, weight) == 0.5
    labels = np.array([1, -100, 1])
    assert measured(TopKAccuracy(k=2, ignore_index=-100), SCORES, labels, weight) == 1.0
    assert TopKAccuracy().k == 5


def test_ties_do_not_push_the_true_class_out():
    scores = np.array([[1.0, 1.0, 1.0], [2.0, 1.0, 1.0]])
    labels = np.array([2, 2])
    assert measured(TopKAccuracy(k=1), scores, labels) == 0.5
    assert measured(TopKAccuracy(k=2), scores, labels) == 1.0


@pytest.mark.parametrize("k", [1, 2])
def test_nan_never_hits(k):
    assert measured(TopKAccuracy(k=k), np.full((2, 3), np.nan), np.array([0, 1])) == 0.0


def test_nan_ranks_above_numbers():
    scores = np.array([[np.nan, 2.0, 1.0]])
    assert measured(TopKAccuracy(k=1), scores, np.array([1])) == 0.0
    assert measured(TopKAccuracy(k=2), scores, np.array([1])) == 1.0


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(2, 8), st.data())
def test_against_sorting(seed, n, classes, data):
    rng, k = np.random.default_rng(seed), data.draw(st.integers(1, classes - 1))
    scores, labels = rng.standard_normal((n, 2, classes)), rng.integers(0, classes, (n, 2))
    top = np.argsort(-scores, axis=-1)[..., :k]
    expected = (top == labels[..., np.newaxis]).any(axis=-1).mean()
    assert measured(TopKAccuracy(k=k), scores, labels) == pytest.approx(expected)


@pytest.fixture(scope="module")
def theirs():
    """Return scikit-learn's metrics, imported before any clock runs."""
    return pytest.importorskip("sklearn.metrics")


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(3, 8), st.data())
def test_it_is_scikit_learns(theirs, seed, n, classes, data):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((n, classes)), rng.integers(0, classes, n)
    weight, k = rng.uniform(0.1, 2, n), data.draw(st.integers(1, classes - 1))
    wanted = theirs.top_k_accuracy_score(
        labels, scores, k=k, labels=range(classes), sample_weight=weight
    )
    assert measured(TopKAccuracy(k=k), scores, labels, weight) == pytest.approx(wanted, rel=1e-12)


def test_top_one_is_accuracy():
    rng = np.random.default_rng(0)
    scores, labels = rng.standard_normal((50, 4)), rng.integers(0, 4, 50)
    plain = measured(Accuracy(), scores, labels)
    assert measured(TopKAccuracy(k=1), scores, labels) == plain


def test_pieces_give_what_the_whole_gives():
    metric = TopKAccuracy(k=2)
    state = metric.start()
    for row in range(3):
        metric.update(state, SCORES[row : row + 1], LABELS[row : row + 1], None)
    assert metric.result(state) == pytest.approx(2 / 3)
    assert type(metric.result(state)) is float


def test_no_rows_give_nan():
    assert math.isnan(TopKAccuracy().result(TopKAccuracy().start()))


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_a_single_score_is_refused(shape):
    for refused in (
        lambda: measured(TopKAccuracy(), np.zeros(shape), np.zeros(3, int)),
        lambda: TopKAccuracy().check(shape[1:], np.zeros(3, int)),
    ):
        message = "^top_k_accuracy: .*for a single score use accuracy"
        with pytest.raises(ConfigError, match=message):
            refused()


@pytest.mark.parametrize(("k", "classes"), [(2, 2), (5, 3), (5, 5), (9, 4)])
def test_k_is_below_the_number_of_classes(k, classes):
    metric, labels = TopKAccuracy(k=k), np.zeros(2, int)
    for refused in (
        lambda: metric.check((classes,), labels),
        lambda: measured(metric, np.zeros((2, classes)), labels),
    ):
        message = rf"wanted less than the {classes} classes.*found {k}; give a smaller \"k\", or"
        with pytest.raises(ConfigError, match=message) as caught:
            refused()
        assert caught.value.where == "top_k_accuracy.k"


def test_a_label_out_of_range_is_named_by_its_row():
    metric, wrong = TopKAccuracy(k=2), np.array([0, 4, 1])
    for refused in (lambda: measured(metric, SCORES, wrong), lambda: metric.check((4,), wrong)):
        with pytest.raises(DataError, match="label 4 in row 1: wanted 0 to 3") as caught:
            refused()
        assert caught.value.row == 1


def test_k_starts_at_one():
    with pytest.raises(ConfigError) as caught:
        TopKAccuracy(k=0)
    assert caught.value.where == "top_k_accuracy.k"

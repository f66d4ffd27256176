"""Accuracy: every form of target, ties, weights, what is left out and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import ConfigError, DataError
from mlpk_plugins.metrics.accuracy import Accuracy

SCORES = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.2, 0.2, 0.6], [0.4, 0.5, 0.1]])
LABELS = np.array([1, 0, 1, 0])  # right, right, wrong, wrong


def measured(metric, prediction, target, weight=None):
    state = metric.start()
    metric.update(state, prediction, target, weight)
    return metric.result(state)


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint8])
def test_integer_labels(dtype):
    assert measured(Accuracy(), SCORES, LABELS.astype(dtype)) == 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
def test_one_hot_targets(dtype):
    assert measured(Accuracy(), SCORES, np.eye(3)[LABELS].astype(dtype)) == 0.5


def test_soft_targets_count_by_their_highest_share():
    soft = np.array([[0.3, 0.4, 0.3], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    assert measured(Accuracy(), SCORES, soft) == 0.5


def test_ties_go_to_the_first_class():
    scores = np.array([[0.5, 0.5], [0.5, 0.5]])
    assert measured(Accuracy(), scores, np.array([0, 1])) == 0.5


@pytest.mark.parametrize(
    "shape", [((4,), (4,)), ((4, 1), (4,)), ((4, 1), (4, 1)), ((4,), (4, 1)), ((2, 2, 1), (2, 2))]
)
@pytest.mark.parametrize("dtype", [np.int64, np.float32, bool])
def test_a_single_score_is_compared_with_the_threshold(shape, dtype):
    # Above 0.5 only is class 1, so that 0.5 itself is a 0.
    prediction = np.array([0.2, 0.5, 0.51, 0.9]).reshape(shape[0])
    target = np.array([0, 0, 1, 0]).astype(dtype).reshape(shape[1])
    assert measured(Accuracy(threshold=0.5), prediction, target) == 0.75


def test_a_threshold_of_zero_serves_logits():
    logits, target = np.array([[-2.0], [0.3], [3.0]]), np.array([0, 1, 1])
    assert measured(Accuracy(threshold=0.0), logits, target) == 1.0
    for refused in (
        lambda: measured(Accuracy(), logits, target),
        lambda: Accuracy().check((1,), target),
    ):
        with pytest.raises(ConfigError, match="where class 1 begins") as caught:
            refused()
        assert caught.value.where == "accuracy.threshold"


def test_soft_binary_targets_count_as_the_likelier_class():
    prediction, target = np.array([0.9, 0.9, 0.1]), np.array([0.95, 0.05, 0.05])
    assert measured(Accuracy(threshold=0.5), prediction, target) == pytest.approx(2 / 3)


def test_two_columns_are_two_classes():
    scores = np.array([[-3.0, -2.0], [5.0, 4.0]])
    assert measured(Accuracy(), scores, np.array([1, 0])) == 1.0


def test_sequences_count_each_position():
    scores = np.array([[[2.0, 1.0], [1.0, 2.0]], [[2.0, 1.0], [2.0, 1.0]]])
    labels = np.array([[0, 1], [1, 0]])
    assert measured(Accuracy(), scores, labels) == 0.75
    assert measured(Accuracy(), scores, np.eye(2)[labels]) == 0.75
    # The second row weighs three times the first: (1 * 2 + 3 * 1) / (1 * 2 + 3 * 2).
    assert measured(Accuracy(), scores, labels, np.array([1.0, 3.0])) == 0.625


def test_weights_by_hand():
    weight = np.array([1.0, 2.0, 0.0, 5.0], np.float32)
    assert measured(Accuracy(), SCORES, LABELS, weight) == 3 / 8


def test_ignored_labels_do_not_count():
    scores = np.array([[[2.0, 1.0], [1.0, 2.0]], [[2.0, 1.0], [2.0, 1.0]]])
    labels = np.array([[0, -1], [1, -1]])
    metric, of_one = Accuracy(ignore_index=-1), Accuracy(threshold=0.5, ignore_index=-1)
    assert measured(metric, scores, labels) == 0.5
    assert measured(metric, scores, labels, np.array([3.0, 1.0])) == 0.75
    assert measured(of_one, np.array([0.9, 0.9, 0.1]), np.array([1, -1, 1])) == 0.5
    assert math.isnan(measured(metric, scores, np.full((2, 2), -1)))


def test_no_rows_give_nan():
    assert math.isnan(Accuracy().result(Accuracy().start()))
    assert math.isnan(measured(Accuracy(), np.empty((0, 3)), np.empty(0, int)))
    assert math.isnan(measured(Accuracy(), SCORES, LABELS, np.zeros(4)))


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(2, 5), st.data())
def test_pieces_give_what_the_whole_gives_and_what_counting_gives(seed, n, classes, data):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((n, classes)), rng.integers(0, classes, n)
    weight = rng.uniform(0.1, 2, n)
    cut = data.draw(st.integers(0, n))
    metric = Accuracy()
    state = metric.start()
    for part in (slice(cut), slice(cut, n)):
        metric.update(state, scores[part], labels[part], weight[part])
    hit = [w for s, y, w in zip(scores, labels, weight, strict=True) if max(s) == s[y]]
    assert metric.result(state) == pytest.approx(sum(hit) / sum(weight))
    assert metric.result(state) == pytest.approx(measured(metric, scores, labels, weight))


def test_the_state_is_updated_in_place_and_the_result_is_a_float():
    metric = Accuracy()
    state = metric.start()
    held = dict(state)
    for _ in range(2):
        metric.update(state, SCORES.astype(np.float32), LABELS, None)
    assert all(state[name] is array for name, array in held.items())
    assert all(array.dtype == np.float64 and array.shape == () for array in state.values())
    assert type(metric.result(state)) is float


@pytest.mark.parametrize(
    ("labels", "row", "message"),
    [
        ([1, 0, 3, 0], 2, "label 3 in row 2: wanted 0 to 2$"),
        ([1, -1, 3, 0], 1, "label -1 in row 1: wanted 0 to 2; .* give the metric ignore_index=-1$"),
    ],
)
def test_a_label_out_of_range_is_named_by_its_row(labels, row, message):
    for refused in (
        lambda: measured(Accuracy(), SCORES, np.array(labels)),
        lambda: Accuracy().check((3,), np.array(labels)),
    ):
        with pytest.raises(DataError, match=message) as caught:
            refused()
        assert caught.value.row == row


def test_another_label_than_the_ignored_one_is_still_refused():
    with pytest.raises(DataError, match="label -2 in row 3: wanted 0 to 2, or -1"):
        measured(Accuracy(ignore_index=-1), SCORES, np.array([0, -1, 1, -2]))


@pytest.mark.parametrize("target", [np.array([0, 1, 2, 1]), np.array([0.0, 0.5, 1.5, 1.0])])
def test_a_binary_target_out_of_range_is_named_by_its_row(target):
    with pytest.raises(DataError, match="row 2") as caught:
        measured(Accuracy(threshold=0.5), np.full((4, 1), 0.5), target)
    assert caught.value.row == 2


def test_a_binary_target_that_is_nan_is_named_by_its_row():
    with pytest.raises(DataError, match="target nan in row 1: wanted 0 to 1"):
        measured(Accuracy(threshold=0.5), np.array([0.5, 0.5]), np.array([1.0, np.nan]))


def test_a_share_that_is_nan_is_no_largest_one():
    soft = np.array([[1.0, 0.0], [0.5, np.nan]])
    with pytest.raises(DataError, match="target nan in row 1: wanted the share of a class"):
        measured(Accuracy(), np.ones((2, 2)), soft)


@pytest.mark.parametrize(
    ("prediction", "target"),
    [
        ((4, 3), (3,)),
        ((4, 3), (4, 2)),
        ((4, 3), (4, 1)),
        ((4, 1), (4, 2)),
        ((4,), (3,)),
        ((4,), ()),
    ],
)
def test_shapes_that_do_not_fit_are_refused(prediction, target):
    metric = Accuracy() if prediction[-1] == 3 else Accuracy(threshold=0.5)
    with pytest.raises(DataError, match=r"shape .*, found shape"):
        measured(metric, np.zeros(prediction), np.zeros(target, int))


def test_labels_that_are_no_integers_are_refused():
    with pytest.raises(DataError, match="wanted integer labels, found float64"):
        measured(Accuracy(), SCORES, LABELS.astype(float))


@pytest.mark.parametrize("shape", [(3,), (4, 1), ()])
def test_weights_that_do_not_fit_are_refused(shape):
    with pytest.raises(DataError, match="one weight a row"):
        measured(Accuracy(), SCORES, LABELS, np.ones(shape))


def test_scores_that_are_nan_hit_nothing():
    scores = np.array([[np.nan, np.nan], [1.0, 0.0], [np.nan, 1.0]])
    assert measured(Accuracy(), scores, np.array([0, 0, 0])) == pytest.approx(1 / 3)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_a_single_score_that_is_nan_is_neither_class(shape):
    scores = np.array([np.nan, np.nan, 1.0, -1.0]).reshape(shape)
    assert measured(Accuracy(threshold=0.0), scores, np.array([0, 1, 1, 0])) == 0.5


@pytest.fixture(scope="module")
def theirs():
    """Return scikit-learn's metrics, imported before any clock runs."""
    return pytest.importorskip("sklearn.metrics")


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(2, 5))
def test_it_is_scikit_learns(theirs, seed, n, classes):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((n, classes)), rng.integers(0, classes, n)
    weight = rng.uniform(0.1, 2, n)
    wanted = theirs.accuracy_score(labels, scores.argmax(axis=1), sample_weight=weight)
    assert measured(Accuracy(), scores, labels, weight) == pytest.approx(wanted, rel=1e-12)

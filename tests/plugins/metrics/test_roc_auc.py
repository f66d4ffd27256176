"""The area under the ROC curve: by hand, by counting pairs, and against scikit-learn."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import ConfigError, DataError
from mlpk_plugins.metrics.roc_auc import RocAuc


def measured(prediction, target, weight=None, **fields):
    metric = RocAuc(**fields)
    state = metric.start()
    metric.update(state, prediction, target, weight)
    return metric.result(state)


SCORES = np.array([0.1, 0.4, 0.35, 0.8])
LABELS = np.array([0, 0, 1, 1])


@pytest.mark.parametrize(
    "shape", [((4,), (4,)), ((4, 1), (4,)), ((4, 1), (4, 1)), ((2, 2, 1), (2, 2))]
)
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool, np.float32])
def test_by_hand(shape, dtype):
    # Of the four pairs only 0.35 over 0.4 is the wrong way round.
    found = measured(SCORES.reshape(shape[0]), LABELS.reshape(shape[1]).astype(dtype))
    assert found == 0.75
    assert type(found) is float


def test_weights_by_hand():
    # The wrong pair weighs 2 * 3 of (1 + 2) * (3 + 1).
    assert measured(SCORES, LABELS, np.array([1.0, 2.0, 3.0, 1.0])) == pytest.approx(0.5)


def test_ties_count_one_half():
    assert measured(np.array([0.5, 0.5, 0.5]), np.array([0, 1, 1])) == 0.5
    assert measured(np.array([0.5, 0.5, 0.7]), np.array([0, 1, 1])) == 0.75


def test_two_columns_are_compared():
    logits = np.stack([np.array([3.0, 1.0, 7.0, 0.0]), 3.0 + SCORES], axis=1)
    single = logits[:, 1] - logits[:, 0]
    assert measured(logits, LABELS) == measured(single, LABELS)


def test_only_the_order_of_the_scores_matters():
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal(100), rng.integers(0, 2, 100)
    assert measured(z, labels) == measured(1 / (1 + np.exp(-z)), labels)
    assert measured(z, labels) == pytest.approx(1 - measured(-z, labels))


def test_ignored_labels_do_not_count():
    scores, labels = np.array([*SCORES, 9.0, -9.0]), np.array([*LABELS, -1, -1])
    assert measured(scores, labels, ignore_index=-1) == 0.75
    weight = np.array([1.0, 2.0, 3.0, 1.0, 5.0, 5.0])
    assert measured(scores, labels, weight, ignore_index=-1) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("scores", "labels", "weight"),
    [
        (SCORES, np.zeros(4, int), None),
        (SCORES, np.ones(4, int), None),
        (SCORES, LABELS, np.array([1.0, 1.0, 0.0, 0.0])),
        (np.empty(0), np.empty(0, int), None),
    ],
)
def test_where_there_is_no_answer_it_is_nan(scores, labels, weight):
    assert math.isnan(measured(scores, labels, weight))


def test_each_pair_of_a_score_that_is_nan_is_a_miss():
    # Pairs of a 1 over a 0: 0.4 over 0.1, and 0.4, 0.1, nan with nan, none of them over the other.
    scores, labels = np.array([0.1, 0.4, math.nan, math.nan]), np.array([0, 1, 0, 1])
    assert measured(scores, labels) == 1 / 4
    assert measured(np.full(4, math.nan), labels) == 0
    columns = np.stack([np.zeros(4), scores], axis=1)
    assert measured(columns, labels) == 1 / 4
    # A row that does not count is none that is missed.
    assert measured(scores, labels, np.array([1.0, 1.0, 0.0, 0.0])) == 1


def test_two_columns_of_infinities_have_no_order():
    scores = np.array([[np.inf, np.inf], [0.0, 1.0], [1.0, 0.0]])
    assert measured(scores, np.array([0, 1, 0])) == 1 / 2


def test_small_integers_do_not_wrap_around():
    scores = np.array([[200, 10], [10, 200], [250, 255]], np.uint8)
    assert measured(scores, np.array([0, 1, 0])) == 1


@pytest.fixture(scope="module")
def theirs():
    """Return scikit-learn's metrics, imported before any clock runs."""
    return pytest.importorskip("sklearn.metrics")


@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 6), st.data())
def test_it_is_the_share_of_pairs_and_scikit_learns(theirs, seed, n, levels, data):
    rng = np.random.default_rng(seed)
    scores, labels = rng.integers(0, levels, n) / 4, rng.permutation(np.arange(n) % 2)
    weight = rng.uniform(0.1, 2, n)
    cut = data.draw(st.integers(0, n))
    metric = RocAuc()
    state = metric.start()
    for part in (slice(cut), slice(cut, n)):
        metric.update(state, scores[part], labels[part], weight[part])
    above = np.sign(scores[:, None] - scores[None, :]) / 2 + 0.5
    pairs = weight[:, None] * weight[None, :] * (labels[:, None] > labels[None, :])
    assert metric.result(state) == pytest.approx((above * pairs).sum() / pairs.sum())
    wanted = theirs.roc_auc_score(labels, scores, sample_weight=weight)
    assert metric.result(state) == pytest.approx(wanted, rel=1e-12)


@given(st.integers(0, 2**32), st.integers(2, 40), st.integers(1, 6))
def test_two_columns_with_ignored_labels_are_scikit_learns(theirs, seed, n, levels):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (n, 2, 2)) / 4
    labels = rng.integers(-1, 2, (n, 2))
    labels[0] = 0, 1
    weight, kept = rng.uniform(0.1, 2, n), labels >= 0
    single = scores[..., 1] - scores[..., 0]
    weights = np.repeat(weight, 2).reshape(n, 2)[kept]
    wanted = theirs.roc_auc_score(labels[kept], single[kept], sample_weight=weights)
    assert measured(scores, labels, weight, ignore_index=-1) == pytest.approx(wanted, rel=1e-12)


def test_many_pieces_are_one_set_and_take_little_more_than_their_numbers():
    rng = np.random.default_rng(0)
    scores, labels = rng.standard_normal(100_000), rng.integers(0, 2, 100_000)
    metric = RocAuc()
    state = metric.start()
    tracemalloc.start()
    for at in range(0, 100_000, 1000):
        metric.update(state, scores[at : at + 1000], labels[at : at + 1000], None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 * 100_000 * 3.5  # twice the room at most, while it is copied
    assert metric.result(state) == measured(scores, labels)


def test_what_does_not_fit_is_refused():
    for refused in (
        lambda: measured(np.zeros((4, 3)), LABELS),
        lambda: RocAuc().check((3,), LABELS),
    ):
        message = r"^roc_auc: .*one for each of two classes, found .* \(4, 3\)"
        with pytest.raises(ConfigError, match=message):
            refused()
    wrong = np.array([0, 1, 0, 2])
    for refused in (lambda: measured(SCORES, wrong), lambda: RocAuc().check((), wrong)):
        with pytest.raises(DataError, match="label 2 in row 3: wanted 0 to 1") as caught:
            refused()
        assert caught.value.row == 3
    with pytest.raises(DataError, match="wanted a target for each score"):
        measured(SCORES, LABELS[:3])
    with pytest.raises(DataError, match="one weight a row"):
        measured(SCORES, LABELS, np.ones(3))


@pytest.mark.parametrize("dtype", [np.int64, np.float32])
@pytest.mark.parametrize("shape", [(4,), (2, 2)])
def test_one_hot_targets_of_two_columns(dtype, shape):
    two = np.stack([-SCORES, SCORES], axis=1).reshape(*shape, 2)
    one_hot = np.eye(2, dtype=dtype)[LABELS].reshape(*shape, 2)
    RocAuc().check(two.shape[1:], one_hot)
    assert measured(two, one_hot) == 0.75
    soft = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.0, 1.0]]).reshape(*shape, 2)
    assert measured(two, soft) == 0.75
    with pytest.raises(DataError, match="found shape"):
        RocAuc().check((*shape[1:], 1), one_hot)

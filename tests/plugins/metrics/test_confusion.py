"""What is read off counts of classes: by hand, in pieces, and against scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpk import ConfigError, DataError
from mlpk_plugins.metrics.accuracy import Accuracy
from mlpk_plugins.metrics.confusion_matrix import ConfusionMatrix
from mlpk_plugins.metrics.f1 import F1
from mlpk_plugins.metrics.per_class_accuracy import PerClassAccuracy
from mlpk_plugins.metrics.precision import Precision
from mlpk_plugins.metrics.recall import Recall

RATIOS = [Precision, Recall, F1]
ALL = [*RATIOS, ConfusionMatrix, PerClassAccuracy]
TRUE = np.array([0, 0, 0, 1, 1, 2])
FOUND = np.array([0, 0, 1, 1, 2, 2])
SCORES = np.eye(3)[FOUND]
# The matrix is [[2, 1, 0], [0, 1, 1], [0, 0, 1]].


def measured(metric, prediction, target, weight=None):
    state = metric.start()
    metric.update(state, prediction, target, weight)
    return metric.result(state)


@pytest.mark.parametrize("target", [TRUE, TRUE.astype(np.uint8), np.eye(3)[TRUE]])
def test_the_matrix_has_a_row_for_each_true_class(target):
    found = measured(ConfusionMatrix(), SCORES, target)
    assert found.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    weight = np.array([0.5, 2.0, 1.0, 1.0, 3.0, 0.25], np.float32)
    found = measured(ConfusionMatrix(), SCORES, target, weight)
    assert found.tolist() == [[2.5, 1, 0], [0, 1, 3], [0, 0, 0.25]]


@pytest.mark.parametrize(
    ("metric", "macro"),
    [
        (Precision, (1 + 1 / 2 + 1 / 2) / 3),
        (Recall, (2 / 3 + 1 / 2 + 1) / 3),
        (F1, (4 / 5 + 1 / 2 + 2 / 3) / 3),
    ],
)
def test_macro_and_micro_by_hand(metric, macro):
    assert measured(metric(average="macro"), SCORES, TRUE) == pytest.approx(macro)
    assert measured(metric(average="micro"), SCORES, TRUE) == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("metric", "wanted"), [(Precision, 2 / 3), (Recall, 2 / 4), (F1, 2 * 2 / (3 + 4))]
)
@pytest.mark.parametrize("shape", [(6,), (6, 1), (3, 2, 1)])
def test_binary_by_hand(metric, wanted, shape):
    prediction = np.array([0.9, 0.8, 0.7, 0.5, 0.2, 0.1])  # the 0.5 is not above 0.5
    target = np.array([1, 1, 0, 1, 1, 0])
    target = target.reshape(shape[:-1] if len(shape) > 1 else shape)
    found = measured(metric(threshold=0.5), prediction.reshape(shape), target)
    assert found == pytest.approx(wanted)
    two = np.stack([0.5 - prediction, prediction - 0.5], axis=-1)
    assert measured(metric(), two, target.ravel()) == pytest.approx(wanted)


def test_per_class_accuracy_by_hand():
    scores = np.eye(4)[FOUND]
    found = measured(PerClassAccuracy(), scores, TRUE)
    np.testing.assert_array_equal(found, [2 / 3, 1 / 2, 1, np.nan])


@pytest.mark.parametrize("metric", RATIOS, ids=lambda metric: metric.kind)
def test_what_was_never_found_or_never_there_gives_zero(metric):
    none_there = measured(metric(threshold=0.5), np.array([0.9, 0.1]), np.array([0, 0]))
    none_found = measured(metric(threshold=0.5), np.array([0.1, 0.1]), np.array([1, 0]))
    neither = measured(metric(threshold=0.5), np.array([0.1, 0.1]), np.array([0, 0]))
    assert (none_there, none_found, neither) == (0, 0, 0)


@pytest.mark.parametrize("metric", RATIOS, ids=lambda metric: metric.kind)
def test_classes_that_do_not_occur_are_no_part_of_the_mean(metric):
    wide = np.eye(7)[FOUND]
    narrow = measured(metric(average="macro"), SCORES, TRUE)
    assert measured(metric(average="macro"), wide, TRUE) == pytest.approx(narrow)


@pytest.mark.parametrize("metric", RATIOS, ids=lambda metric: metric.kind)
def test_nothing_gives_nan(metric):
    assert math.isnan(metric().result(metric().start()))
    assert math.isnan(measured(metric(average="macro"), SCORES, TRUE, np.zeros(6)))
    ignored = metric(average="micro", ignore_index=2)
    assert math.isnan(measured(ignored, SCORES, np.full(6, 2)))


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.kind)
def test_ignored_labels_count_nowhere(metric):
    fields = {"average": "macro"} if metric in RATIOS else {}
    scores = np.concatenate([SCORES, SCORES]).reshape(6, 2, 3)
    labels = np.concatenate([TRUE, np.full(6, -1)]).reshape(6, 2)
    found = measured(metric(ignore_index=-1, **fields), scores, labels)
    np.testing.assert_array_equal(found, measured(metric(**fields), SCORES, TRUE))


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.kind)
def test_the_threshold_has_to_be_given(metric):
    for refused in (
        lambda: measured(metric(), np.zeros((2, 1)), np.array([0, 1])),
        lambda: metric().check((1,), np.array([0, 1])),
    ):
        message = rf'"kind": "{metric.kind}", "threshold": 0.0'
        with pytest.raises(ConfigError, match=message) as caught:
            refused()
        assert caught.value.where == f"{metric.kind}.threshold"


@pytest.mark.parametrize("metric", [Accuracy, *ALL], ids=lambda metric: metric.kind)
@pytest.mark.parametrize("shape", [(2, 2), (2, 1, 3)])
def test_several_classes_have_no_threshold(metric, shape):
    fields = {"average": "macro"} if metric in RATIOS else {}
    made, labels = metric(threshold=0.5, **fields), np.zeros(shape[:-1], int)
    metric(**fields).check(shape[1:], labels)
    for refused in (
        lambda: made.check(shape[1:], labels),
        lambda: measured(made, np.zeros(shape), labels),
    ):
        message = f"one for each of {shape[-1]} classes.*take 'threshold' away"
        with pytest.raises(ConfigError, match=message) as caught:
            refused()
        assert caught.value.where == f"{metric.kind}.threshold"


@pytest.mark.parametrize("metric", RATIOS, ids=lambda metric: metric.kind)
def test_binary_is_for_two_classes(metric):
    for refused in (
        lambda: measured(metric(), SCORES, TRUE),
        lambda: metric().check((3,), TRUE),
    ):
        message = rf"^{metric.kind}\.average: 'binary' is for two classes, found 3"
        with pytest.raises(ConfigError, match=message):
            refused()
    metric().check((2,), np.array([0, 1]))
    with pytest.raises(ConfigError, match=rf"{metric.kind}\.average"):
        metric(average="weighted")


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.kind)
def test_bad_labels_and_weights_are_refused(metric):
    made = metric(average="macro") if metric in RATIOS else metric()
    wrong = np.array([0, 0, 0, 1, 1, 3])
    for refused in (lambda: measured(made, SCORES, wrong), lambda: made.check((3,), wrong)):
        with pytest.raises(DataError, match="label 3 in row 5: wanted 0 to 2") as caught:
            refused()
        assert caught.value.row == 5
    for shape in ((5,), (6, 1), ()):
        with pytest.raises(DataError, match="one weight a row"):
            measured(made, SCORES, TRUE, np.ones(shape))


# Predicted 0, 1 and twice nothing, of the classes 0, 1, 0 and 2.
MISSING = np.array([[1.0, 0, 0], [0, 1.0, 0], [0, np.nan, 0], [np.nan, np.nan, np.nan]])
OF = np.array([0, 1, 0, 2])


def test_a_score_that_is_nan_stands_in_no_column():
    found = measured(ConfusionMatrix(), MISSING, OF)
    assert found.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert measured(PerClassAccuracy(), MISSING, OF).tolist() == [0.5, 1, 0]
    assert measured(Accuracy(), MISSING, OF) == 2 / 4


@pytest.mark.parametrize(
    ("metric", "macro", "micro"),
    [
        (Precision, (1 + 1 + 0) / 3, 2 / 2),
        (Recall, (1 / 2 + 1 + 0) / 3, 2 / 4),
        (F1, (2 / 3 + 1 + 0) / 3, 4 / 6),
    ],
)
def test_a_score_that_is_nan_is_a_miss_and_taken_for_no_class(metric, macro, micro):
    assert measured(metric(average="macro"), MISSING, OF) == pytest.approx(macro)
    assert measured(metric(average="micro"), MISSING, OF) == pytest.approx(micro)
    nothing = np.full((4, 3), np.nan)
    assert measured(metric(average="macro"), nothing, OF) == 0
    assert measured(metric(average="micro"), nothing, OF) == 0


@pytest.mark.parametrize(("metric", "wanted"), [(Precision, 1 / 2), (Recall, 1 / 2), (F1, 2 / 4)])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_a_single_score_that_is_nan_is_neither_class(metric, wanted, shape):
    scores = np.array([0.9, 0.9, np.nan, np.nan]).reshape(shape)
    target = np.array([1, 0, 1, 0])
    assert measured(metric(threshold=0.5), scores, target) == wanted
    counts = measured(ConfusionMatrix(threshold=0.5), scores, target)
    assert counts.tolist() == [[0, 1], [0, 1]]


@pytest.fixture(scope="module")
def theirs():
    """Return scikit-learn's metrics, imported before any clock runs."""
    return pytest.importorskip("sklearn.metrics")


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(2, 5), st.data())
@settings(max_examples=50)
def test_they_are_scikit_learns_in_pieces(theirs, seed, n, classes, data):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((n, classes)), rng.integers(0, classes, n)
    weight = rng.uniform(0.1, 2, n)
    found = scores.argmax(axis=1)
    cut = data.draw(st.integers(0, n))

    def ours(metric):
        state = metric.start()
        for part in (slice(cut), slice(cut, n)):
            metric.update(state, scores[part], labels[part], weight[part])
        return metric.result(state)

    matrix = theirs.confusion_matrix(labels, found, labels=range(classes), sample_weight=weight)
    np.testing.assert_allclose(ours(ConfusionMatrix()), matrix, rtol=1e-12)
    functions = (theirs.precision_score, theirs.recall_score, theirs.f1_score)
    averages = ["macro", "micro"] + ["binary"] * (classes == 2)
    for metric, function in zip(RATIOS, functions, strict=True):
        for average in averages:
            wanted = function(
                labels, found, average=average, sample_weight=weight, zero_division=0.0
            )
            assert ours(metric(average=average)) == pytest.approx(wanted, rel=1e-12)
    accuracy = measured(Accuracy(), scores, labels, weight)
    assert ours(F1(average="micro")) == pytest.approx(accuracy, rel=1e-12)


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(2, 4), st.booleans())
@settings(max_examples=50)
def test_sequences_with_ignored_labels_are_scikit_learns(theirs, seed, n, classes, single):
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((n, 2, 1 if single else classes))
    labels = rng.integers(-1, 2 if single else classes, (n, 2))
    labels[0, 0] = 0  # one at least counts
    weight = rng.uniform(0.1, 2, n)
    found = scores[..., 0] > 0.3 if single else scores.argmax(axis=-1)
    kept = labels >= 0
    given_to_all = labels[kept], found[kept]
    weights = np.repeat(weight, 2).reshape(n, 2)[kept]
    fields = {"ignore_index": -1, "threshold": 0.3 if single else None}

    functions = (theirs.precision_score, theirs.recall_score, theirs.f1_score)
    averages = ["macro", "micro"] + ["binary"] * (single or classes == 2)
    for metric, function in zip(RATIOS, functions, strict=True):
        for average in averages:
            wanted = function(
                *given_to_all, average=average, sample_weight=weights, zero_division=0.0
            )
            ours = measured(metric(average=average, **fields), scores, labels, weight)
            assert ours == pytest.approx(wanted, rel=1e-12)
    every = range(2 if single else classes)
    wanted = theirs.confusion_matrix(*given_to_all, labels=every, sample_weight=weights)
    ours = measured(ConfusionMatrix(**fields), scores, labels, weight)
    np.testing.assert_allclose(ours, wanted, rtol=1e-12)
    wanted = theirs.recall_score(
        *given_to_all, labels=every, average=None, sample_weight=weights, zero_division=np.nan
    )
    ours = measured(PerClassAccuracy(**fields), scores, labels, weight)
    np.testing.assert_allclose(ours, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("metric", "theirs"),
    [(Precision, "precision_score"), (Recall, "recall_score"), (F1, "f1_score")],
)
def test_macro_leaves_out_classes_without_weight(metric, theirs):
    """They are as if their rows were not there, though here they are targets and predictions."""
    peer = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn")
    weight = np.array([1.0, 2.0, 0.5, 1.0, 0.0, 0.0])
    kept = weight > 0
    wanted = getattr(peer, theirs)(
        TRUE[kept], FOUND[kept], average="macro", sample_weight=weight[kept]
    )
    found = measured(metric(average="macro"), SCORES, TRUE, weight)
    assert found == pytest.approx(wanted, rel=1e-12)
    with_all = getattr(peer, theirs)(
        TRUE, FOUND, average="macro", sample_weight=weight, zero_division=0
    )
    assert with_all == pytest.approx(wanted * 2 / 3)  # class 2 is in the mean there, as 0

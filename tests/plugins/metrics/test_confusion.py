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
    with pytest.raises(DataError, match=rf'"kind": "{metric.kind}", "threshold": 0.0'):
        measured(metric(), np.zeros((2, 1)), np.array([0, 1]))


@pytest.mark.parametrize("metric", RATIOS, ids=lambda metric: metric.kind)
def test_binary_is_for_two_classes(metric):
    with pytest.raises(
        DataError, match=rf"{metric.kind}: average 'binary' is for two classes, found 3"
    ):
        measured(metric(), SCORES, TRUE)
    with pytest.raises(ConfigError, match=rf"{metric.kind}\.average"):
        metric(average="weighted")


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.kind)
def test_bad_labels_and_weights_are_refused(metric):
    made = metric(average="macro") if metric in RATIOS else metric()
    with pytest.raises(DataError, match="label 3 in row 5: wanted 0 to 2"):
        measured(made, SCORES, np.array([0, 0, 0, 1, 1, 3]))
    for shape in ((5,), (6, 1), ()):
        with pytest.raises(DataError, match="one weight a row"):
            measured(made, SCORES, TRUE, np.ones(shape))


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

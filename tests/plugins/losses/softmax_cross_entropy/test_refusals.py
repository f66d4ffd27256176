"""Softmax cross-entropy: labels, targets and fields that it refuses, and what it says of them."""

import math

import numpy as np
import pytest

from mlpk import ConfigError, Context, DataError, MlpkError, ShapeError
from mlpk_plugins.losses.softmax_cross_entropy import SoftmaxCrossEntropy


@pytest.mark.parametrize(("label", "row"), [(12, 3), (10, 0), (-1, 2), (-10, 1)])
def test_a_label_out_of_range_names_its_row(label, row):
    labels = np.arange(4)
    labels[row] = label
    loss, z = SoftmaxCrossEntropy(), np.zeros((4, 10))
    for refused in (
        lambda: loss.check((10,), labels),
        lambda: loss(z, labels),
    ):
        hint = f"; .* take a loss with ignore_index={label}" if label < 0 else ""
        wanted = f"^label {label} in row {row}: wanted 0 to 9{hint}$"
        with pytest.raises(DataError, match=wanted) as info:
            refused()
        assert info.value.row == row
        assert isinstance(info.value.row, int)


def test_the_row_of_a_wrong_label_in_a_sequence():
    labels = np.array([[0, 1], [-1, -1], [2, 4]])
    with pytest.raises(DataError, match="label 4 in row 2: wanted 0 to 3, or -1") as info:
        SoftmaxCrossEntropy(ignore_index=-1).check((2, 4), labels)
    assert info.value.row == 2


def test_negative_shares_name_their_row(two):
    target = np.array([[0.5, 0.5], [1.5, -0.5]])
    for refused in (
        lambda: SoftmaxCrossEntropy().check((2,), target),
        lambda: SoftmaxCrossEntropy()(two, target),
    ):
        with pytest.raises(DataError, match=r"target -0.5 in row 1: wanted 0 or more") as info:
            refused()
        assert info.value.row == 1


@pytest.mark.parametrize(
    ("prediction", "target", "error", "wanted"),
    [
        ((10,), np.zeros(4), DataError, r"integer labels \(N,\).* found float64 \(4,\)"),
        ((10,), np.zeros(4, bool), DataError, r"found bool \(4,\)"),
        (
            (10,),
            np.zeros((4, 9)),
            ShapeError,
            r"one-hot or soft targets \(N, 10\); found .*\(4, 9\)",
        ),
        ((10,), np.zeros((4, 1), int), ShapeError, r"integer labels \(N,\)"),
        ((5, 10), np.zeros(4, int), ShapeError, r"integer labels \(N, 5\)"),
        ((5, 10), np.zeros((4, 6), int), ShapeError, r"found int64 \(4, 6\)"),
        ((), np.zeros(4, int), ConfigError, "^softmax_cross_entropy: .* an axis of classes"),
    ],
)
def test_targets_that_do_not_fit(prediction, target, error, wanted):
    with pytest.raises(error, match=wanted):
        SoftmaxCrossEntropy().check(prediction, target)
    with pytest.raises(error):
        SoftmaxCrossEntropy().forward(Context("float64"), np.zeros((4, *prediction)), target)


def test_rows_of_predictions_and_targets_must_match(two):
    for target in (np.zeros(3, int), np.zeros((3, 2))):
        with pytest.raises(ShapeError, match=r"integer labels \(2,\)"):
            SoftmaxCrossEntropy().forward(Context("float64"), two, target)


def test_ignore_index_is_for_labels():
    with pytest.raises(DataError, match="ignore_index is for integer labels"):
        SoftmaxCrossEntropy(ignore_index=0).check((2,), np.eye(2))


def test_class_weights_must_be_one_a_class(three):
    loss = SoftmaxCrossEntropy(class_weight=(1.0, 2.0))
    for refused in (
        lambda: loss.check((3,), np.zeros(3, int)),
        lambda: loss.forward(Context("float64"), three, np.zeros(3, int)),
    ):
        with pytest.raises(ConfigError, match="wanted 3 numbers, one a class, found 2") as caught:
            refused()
        assert caught.value.where == "softmax_cross_entropy.class_weight"


@pytest.mark.parametrize(("dtype", "weight"), [("float32", 1e308), ("float32", 4e38)])
def test_a_class_weight_is_one_that_the_model_can_hold(dtype, weight, two):
    loss, labels = SoftmaxCrossEntropy(class_weight=(1.0, weight)), np.array([0, 0])
    for refused in (
        lambda: loss.forward(Context(dtype), two.astype(dtype), labels),
        lambda: loss.mass(Context(dtype), two.shape, labels, None),
    ):
        with pytest.raises(ConfigError, match=f"the most that {dtype} holds, found") as caught:
            refused()
        assert caught.value.where == "softmax_cross_entropy.class_weight"
    loss.check((2,), labels)  # where nothing is said of the dtype
    assert loss(two, labels)[0] == pytest.approx((math.log(4) + math.log(2)) / 2)


@pytest.mark.parametrize(
    "fields", [{"label_smoothing": 1.0}, {"label_smoothing": -0.1}, {"class_weight": (1.0, -1.0)}]
)
def test_numbers_out_of_range_are_refused(fields):
    with pytest.raises(ConfigError, match=f"softmax_cross_entropy.{next(iter(fields))}"):
        SoftmaxCrossEntropy(**fields)


@pytest.mark.parametrize(
    ("labels", "hint"),
    [
        (np.zeros((4, 1), int), r"y\[\.\.\., 0\]$"),
        (np.zeros(4), r"y\.astype\(int\)$"),
        (np.array([1.0, 2.0, np.nan]), r"NaN in row 2 is no label: leave such rows out"),
        (np.array([1, np.iinfo("i8").min]), r"in row 1: .*; it is what astype makes of NaN"),
    ],
)
def test_labels_in_another_form_are_told_what_makes_them_labels(labels, hint):
    with pytest.raises(MlpkError, match=hint):
        SoftmaxCrossEntropy().check((10,), labels)


def test_labels_of_rows_for_predictions_of_positions():
    with pytest.raises(ShapeError, match=r"\(N, 8, 8\).*; for one label a row, flatten or pool"):
        SoftmaxCrossEntropy().check((8, 8, 10), np.zeros(4, int))


def test_a_single_class_is_no_choice():
    with pytest.raises(ConfigError, match=r"^softmax_cross_entropy: wanted two classes or more"):
        SoftmaxCrossEntropy().check((1,), np.array([0, 1]))

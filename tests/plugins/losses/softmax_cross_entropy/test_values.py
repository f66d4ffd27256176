"""Softmax cross-entropy: losses and gradients, worked out by hand, in loops, and where it is hard."""

import math

import numpy as np
import pytest

from mlpk import Context
from mlpk_plugins.losses.softmax_cross_entropy import SoftmaxCrossEntropy


def by_loops(z, t, w):
    """Return loss and gradient of (n, classes) logits with any targets, row by row."""
    total, gradient = 0.0, np.zeros(z.shape)
    for row, shares, weight in zip(z, t, w, strict=True):
        log_sum = math.log(sum(math.exp(score) for score in row))
        total += weight * sum(
            share * (log_sum - score) for score, share in zip(row, shares, strict=True)
        )
    for at in np.ndindex(z.shape):
        p = math.exp(z[at]) / sum(math.exp(score) for score in z[at[0]])
        gradient[at] = w[at[0]] * (p * sum(t[at[0]]) - t[at]) / sum(w)
    return total / sum(w), gradient


def test_two_classes_by_hand(two):
    value, gradient = SoftmaxCrossEntropy()(two, [0, 1])
    assert value == pytest.approx((math.log(4) + math.log(2)) / 2, rel=1e-15)
    np.testing.assert_allclose(gradient, [[-0.375, 0.375], [0.25, -0.25]], rtol=1e-15)


def test_three_classes_by_hand(three):
    value, gradient = SoftmaxCrossEntropy()(three, [2, 0, 1])
    assert value == pytest.approx((math.log(8 / 5) + math.log(8 / 3) + math.log(3)) / 3)
    wanted = np.array([[3, 6, -9], [-15, 9, 6], [8, -16, 8]]) / 24 / 3
    np.testing.assert_allclose(gradient, wanted, rtol=1e-14)


def test_soft_targets_by_hand(two):
    value, gradient = SoftmaxCrossEntropy()(two, [[0.5, 0.5], [1.0, 0.0]])
    assert value == pytest.approx((0.5 * math.log(4) + 0.5 * math.log(4 / 3) + math.log(2)) / 2)
    np.testing.assert_allclose(gradient, [[-0.125, 0.125], [-0.25, 0.25]], rtol=1e-15)


def test_soft_targets_may_be_rounded(two):
    """What is off by less than 0.001 counts as it is, in the gradient too."""
    value, gradient = SoftmaxCrossEntropy()(two[:1], [[0.6, 0.4009]])
    assert value == pytest.approx(0.6 * math.log(4) + 0.4009 * math.log(4 / 3), rel=1e-15)
    wanted = [[1.0009 / 4 - 0.6, 3.0027 / 4 - 0.4009]]
    np.testing.assert_allclose(gradient, wanted, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["bool", "int64", "uint8", "float32", "float64"])
@pytest.mark.parametrize(
    "fields", [{}, {"label_smoothing": 0.2}, {"class_weight": (1.0, 2.0, 0.5)}], ids=repr
)
def test_one_hot_targets_mean_the_same_as_labels(fields, dtype, three):
    loss = SoftmaxCrossEntropy(**fields)
    value, gradient = loss(three, [2, 0, 1])
    one_hot = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], dtype)
    same, slopes = loss(three, one_hot)
    assert same == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64", "uint64"])
def test_labels_of_any_integer_type(dtype, three):
    value, _ = SoftmaxCrossEntropy()(three, np.array([2, 0, 1], dtype))
    assert value == SoftmaxCrossEntropy()(three, [2, 0, 1])[0]


def test_weights_by_hand(two):
    value, gradient = SoftmaxCrossEntropy()(two, [0, 1], [1.0, 3.0])
    assert value == pytest.approx((math.log(4) + 3 * math.log(2)) / 4)
    np.testing.assert_allclose(gradient, [[-0.1875, 0.1875], [0.375, -0.375]], rtol=1e-15)


def test_label_smoothing_by_hand(two):
    # Label 0 of two classes with s = 0.2: targets 0.9 and 0.1.
    value, gradient = SoftmaxCrossEntropy(label_smoothing=0.2)(two[:1], [0])
    assert value == pytest.approx(0.9 * math.log(4) + 0.1 * math.log(4 / 3))
    np.testing.assert_allclose(gradient, [[0.25 - 0.9, 0.75 - 0.1]], rtol=1e-14)


def test_class_weights_by_hand(two):
    # Normalised by the sum of the weights that occur, 3 and 1.
    loss = SoftmaxCrossEntropy(class_weight=(3.0, 1.0))
    value, gradient = loss(two, [0, 1])
    assert value == pytest.approx((3 * math.log(4) + math.log(2)) / 4)
    np.testing.assert_allclose(gradient, [[-0.5625, 0.5625], [0.125, -0.125]], rtol=1e-15)
    assert loss.mass(Context("float64"), (2, 2), np.array([0, 1]), None) == 4.0
    # A soft row's class weighs 3 / 2 + 1 / 2 = 2; times the row's own weight, 5.
    value, _ = loss(two, [[0.5, 0.5], [0.0, 1.0]], [5.0, 1.0])
    soft = 0.5 * math.log(4) + 0.5 * math.log(4 / 3)
    assert value == pytest.approx((10 * soft + math.log(2)) / 11)
    assert (
        loss.mass(
            Context("float64"), (2, 2), np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([5.0, 1.0])
        )
        == 11.0
    )
    # Whole numbers in the predictions' shape are one-hot, not labels of two positions.
    assert loss.mass(Context("float64"), (2, 2), np.array([[1, 0], [1, 0]]), None) == 6.0


def test_a_class_weight_counts_for_the_whole_smoothed_row(two):
    loss = SoftmaxCrossEntropy(class_weight=(3.0, 1.0), label_smoothing=0.2)
    value, _ = loss(two, [0, 1])
    first = 0.9 * math.log(4) + 0.1 * math.log(4 / 3)
    assert value == pytest.approx((3 * first + math.log(2)) / 4)


@pytest.mark.parametrize("ignored", [-100, 0, 2, 7])
@pytest.mark.parametrize(
    "fields", [{}, {"class_weight": (3.0, 1.0, 2.0)}, {"label_smoothing": 0.1}]
)
def test_ignored_labels_count_nowhere(ignored, fields, three):
    loss = SoftmaxCrossEntropy(ignore_index=ignored, **fields)
    labels = np.array([1, ignored, 1])
    value, gradient = loss(three, labels, [1.0, 7.0, 2.0])
    wanted, slopes = SoftmaxCrossEntropy(**fields)(three[[0, 2]], [1, 1], [1.0, 2.0])
    assert value == pytest.approx(wanted, rel=1e-14)
    np.testing.assert_allclose(gradient[[0, 2]], slopes, rtol=1e-14)
    assert not gradient[1].any()
    weight_of_1 = fields.get("class_weight", (1, 1, 1))[1]
    assert (
        loss.mass(Context("float64"), three.shape, labels, np.array([1.0, 7.0, 2.0]))
        == 3 * weight_of_1
    )


def test_nothing_but_ignored_labels_is_no_loss(three):
    value, gradient = SoftmaxCrossEntropy(ignore_index=-1)(three, [-1, -1, -1])
    assert str(value) == "0.0"
    assert not gradient.any()


def test_each_position_of_a_sequence_carries_its_rows_weight():
    rng = np.random.default_rng(0)
    z, labels = rng.standard_normal((3, 4, 2, 5)), rng.integers(0, 5, (3, 4, 2))
    weight = np.array([1.0, 0.5, 3.0])
    loss = SoftmaxCrossEntropy(class_weight=(1.0, 2.0, 3.0, 4.0, 5.0), label_smoothing=0.3)
    value, gradient = loss(z, labels, weight)
    shares = 0.7 * np.eye(5)[labels.ravel()] + 0.06
    weights = np.repeat(weight, 8) * (labels.ravel() + 1)
    wanted, slopes = by_loops(z.reshape(-1, 5), shares, weights)
    assert value == pytest.approx(wanted, rel=1e-13)
    np.testing.assert_allclose(gradient.reshape(-1, 5), slopes, rtol=1e-12, atol=1e-16)
    assert loss.mass(Context("float64"), z.shape, labels, weight) == pytest.approx(
        weights.sum() / 8
    )  # in rows


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logits_far_out_do_not_overflow(dtype):
    z = np.array([[1e4, -1e4], [-1e4, 1e4], [1e4, 1e4]], dtype)
    value, gradient = SoftmaxCrossEntropy()(z, [0, 0, 1])
    assert value == pytest.approx((0 + 2e4 + math.log(2)) / 3, rel=1e-6)
    np.testing.assert_allclose(gradient, np.array([[0, 0], [-1, 1], [0.5, -0.5]]) / 3, rtol=1e-6)


def test_mass_is_counted_with_the_weights_as_the_model_has_them(two):
    """A weight too small for the dtype is 0 in the mean, and so it is in what the mean counts."""
    loss, labels = SoftmaxCrossEntropy(class_weight=(1e-60, 1.0)), np.array([0, 0])
    assert loss.mass(Context("float32"), two.shape, labels, None) == 0
    assert loss.mass(Context("float64"), two.shape, labels, None) == 2e-60


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("target", "value", "gradient"),
    [
        ([0], math.log(4), [[-0.75, 0.75, 0]]),
        ([[0.5, 0.5, 0.0]], math.log(4) - math.log(3) / 2, [[-0.25, 0.25, 0]]),
        ([2], math.inf, [[0.25, 0.75, -1]]),
        ([[0.5, 0.25, 0.25]], math.inf, [[-0.25, 0.5, -0.25]]),
    ],
)
def test_a_logit_of_minus_infinity_takes_its_class_out(target, value, gradient, dtype):
    z = np.array([[0, math.log(3), -math.inf]], dtype)  # softmax: (1/4, 3/4, 0)
    found, slopes = SoftmaxCrossEntropy()(z, np.array(target))
    assert found == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-6)


def test_masked_classes_of_some_rows(three):
    z = np.concatenate([three, three[:1]])
    z[0, 0] = z[1, 2] = -math.inf
    labels, weight = np.array([2, 0, 1, 2]), np.array([1.0, 2.0, 3.0, 0.5])
    value, gradient = SoftmaxCrossEntropy(class_weight=(1.0, 2.0, 4.0))(z, labels, weight)
    weights = weight * [4, 1, 2, 4]
    costs = [math.log(7 / 5), math.log(2), math.log(3), math.log(8 / 5)]
    assert value == pytest.approx(np.dot(weights, costs) / weights.sum(), rel=1e-14)
    p = np.array([[0, 2 / 7, 5 / 7], [1 / 2, 1 / 2, 0], [1 / 3] * 3, [1 / 8, 2 / 8, 5 / 8]])
    wanted = (p - np.eye(3)[labels]) * (weights / weights.sum())[:, None]
    np.testing.assert_allclose(gradient, wanted, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64"])
def test_labels_of_any_whole_dtype_are_places(dtype, three):
    rows = np.repeat(three, 100, axis=0)[:, None] + np.zeros((4, 1))
    labels = np.arange(1200).reshape(300, 4) % 3
    value, gradient = SoftmaxCrossEntropy()(rows, labels.astype(dtype))
    one_hot = np.eye(3)[labels.ravel()]
    wanted, slopes = by_loops(rows.reshape(-1, 3), one_hot, np.ones(1200))
    assert value == pytest.approx(wanted, rel=1e-13)
    np.testing.assert_allclose(gradient.reshape(-1, 3), slopes, atol=1e-15)


def test_many_small_losses_are_added_up_without_loss():
    """Each is log(2) / n; added one by one in float32 they would be off in the third digit."""
    n = 200_000
    value, _ = SoftmaxCrossEntropy()(np.zeros((n, 2), np.float32), np.zeros(n, int))
    assert value == pytest.approx(math.log(2), rel=2e-6)


def test_a_second_batch_knows_nothing_of_the_first():
    ctx = Context("float64")
    for rows in (2, 3, 2):
        z, labels = np.log([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]])[:rows], np.array([0, 1, 1])[:rows]
        value, saved = SoftmaxCrossEntropy().forward(ctx, z, labels)
        wanted, slopes = by_loops(z, np.eye(2)[labels], np.ones(rows))
        assert value == pytest.approx(wanted, rel=1e-14)
        np.testing.assert_allclose(SoftmaxCrossEntropy().backward(ctx, saved), slopes, atol=1e-15)

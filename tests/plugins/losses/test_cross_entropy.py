"""Cross-entropy of probabilities."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import ConfigError, Context, DataError, ShapeError
from mlpk_plugins.losses.cross_entropy import CrossEntropy
from mlpk_plugins.losses.softmax_cross_entropy import SoftmaxCrossEntropy

P = np.array([[0.25, 0.75], [0.5, 0.5]])


def test_labels_by_hand():
    value, gradient = CrossEntropy()(P, [0, 1])
    assert value == pytest.approx((math.log(4) + math.log(2)) / 2, rel=1e-15)
    assert gradient.tolist() == [[-2.0, 0.0], [0.0, -1.0]]  # -1 / p / 2


def test_soft_targets_and_weights_by_hand():
    value, gradient = CrossEntropy()(P, [[0.5, 0.5], [1.0, 0.0]], [1.0, 3.0])
    first = 0.5 * math.log(4) + 0.5 * math.log(4 / 3)
    assert value == pytest.approx((first + 3 * math.log(2)) / 4, rel=1e-15)
    np.testing.assert_allclose(gradient, [[-0.5, -1 / 6], [-1.5, 0.0]], rtol=1e-15)


def test_each_position_of_a_sequence_carries_its_rows_weight():
    p = np.array([P, P[::-1]])
    value, _ = CrossEntropy()(p, [[0, 0], [1, 1]], [1.0, 2.0])
    wanted = (math.log(4) + math.log(2) + 2 * math.log(2) + 2 * math.log(4 / 3)) / 6
    assert value == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize(("dtype", "cost"), [("float32", 87.3365), ("float64", 708.3964)])
def test_a_probability_of_zero_costs_much_but_not_infinity(dtype, cost):
    value, gradient = CrossEntropy()(np.array([[0.0, 1.0]], dtype), [0])
    assert value == pytest.approx(cost, abs=1e-3)
    assert np.isfinite(gradient).all()
    assert gradient[0, 0] == pytest.approx(-1 / np.finfo(dtype).tiny)
    assert gradient[0, 1] == 0


def test_targets_are_checked():
    with pytest.raises(DataError, match="label 2 in row 1: wanted 0 to 1") as info:
        CrossEntropy()(P, [0, 2])
    assert info.value.row == 1
    with pytest.raises(DataError, match=r"target -1.0 in row 0: wanted 0 or more"):
        CrossEntropy()(P, [[-1.0, 2.0], [0.0, 1.0]])
    with pytest.raises(ShapeError, match=r"found float64 \(2, 3\)"):
        CrossEntropy()(P, np.zeros((2, 3)))


def test_fields_by_hand():
    # Smoothed, 0.9 and 0.1; the rows' classes weigh 3 and 1; the third row is ignored.
    loss = CrossEntropy(label_smoothing=0.2, class_weight=(3.0, 1.0), ignore_index=-1)
    p, labels = P[[0, 1, 0]], np.array([0, 1, -1])
    value, gradient = loss(p, labels, [1.0, 2.0, 9.0])
    first = 0.9 * math.log(4) + 0.1 * math.log(4 / 3)
    assert value == pytest.approx((3 * first + 2 * math.log(2)) / 5, rel=1e-15)
    wanted = np.array([[-3 * 3.6, -3 * 0.4 / 3], [-2 * 0.2, -2 * 1.8], [0, 0]]) / 5
    np.testing.assert_allclose(gradient, wanted, rtol=1e-14)
    assert loss.mass(Context("float64"), (3, 2), labels, np.array([1.0, 2.0, 9.0])) == 5.0


@given(
    seed=st.integers(0, 2**32), smoothing=st.sampled_from([0.0, 0.3]), weighed=st.booleans(),
    form=st.sampled_from(["labels", "ignored", "soft"]),
)  # fmt: skip
def test_behind_a_softmax_it_is_softmax_cross_entropy(seed, smoothing, weighed, form):
    rng = np.random.default_rng(seed)
    z, weight = rng.standard_normal((4, 2, 3)), rng.uniform(0.1, 2, 4)
    target = rng.integers(0, 3, (4, 2))
    if form == "soft":
        target = rng.dirichlet((1.0, 1.0, 1.0), (4, 2))
    if form == "ignored":
        target[1:] = -1
    fields = {
        "label_smoothing": smoothing,
        "class_weight": (0.5, 2.0, 1.5) if weighed else None,
        "ignore_index": -1 if form == "ignored" else None,
    }
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    value, _ = CrossEntropy(**fields)(p, target, weight)
    wanted, _ = SoftmaxCrossEntropy(**fields)(z, target, weight)
    assert value == pytest.approx(wanted, rel=1e-12)


def test_weights_are_one_a_class():
    with pytest.raises(ConfigError, match=r"^cross_entropy\.class_weight: wanted 2 numbers, one a"):
        CrossEntropy(class_weight=(1.0, 2.0, 3.0)).check((2,), np.array([0, 1]))
    with pytest.raises(
        ConfigError, match=r"^cross_entropy\.class_weight: must hold numbers from 0"
    ):
        CrossEntropy(class_weight=(1.0, -2.0))

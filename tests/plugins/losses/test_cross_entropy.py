"""Cross-entropy of probabilities."""

import math

import numpy as np
import pytest

from mlpk import DataError, ShapeError
from mlpk_plugins.losses.cross_entropy import CrossEntropy

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

"""The mean of squares."""

import numpy as np
import pytest

from mlpk import Context, ShapeError
from mlpk_plugins.losses.mean_squared_error import MeanSquaredError

Y = np.array([[1.0, 2.0], [3.0, 5.0]])


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "float32", "float64"])
def test_by_hand(dtype):
    value, gradient = MeanSquaredError()(Y, np.array([[0, 4], [3, 2]], dtype))
    assert value == 3.5  # (1 + 4 + 0 + 9) / 4
    assert gradient.tolist() == [[0.5, -1.0], [0.0, 1.5]]  # 2 (y - t) / 4


def test_weights_by_hand():
    value, gradient = MeanSquaredError()(Y, [[0, 4], [3, 2]], [1.0, 3.0])
    assert value == 4.0  # (1 * 5 + 3 * 9) / (1 * 2 + 3 * 2)
    assert gradient.tolist() == [[0.25, -0.5], [0.0, 2.25]]


def test_a_column_takes_a_vector_and_never_broadcasts_it():
    value, gradient = MeanSquaredError()(np.array([[1.0], [2.0], [4.0]]), [1, 0, 1])
    assert value == pytest.approx(13 / 3)
    np.testing.assert_allclose(gradient, [[0], [4 / 3], [2]], rtol=1e-15)


def test_one_row_of_one_number():
    for target in ([3.0], [[3.0]]):
        value, gradient = MeanSquaredError()(np.array([[1.0]]), target)
        assert value == 4.0
        assert gradient.tolist() == [[-4.0]]


@pytest.mark.parametrize(
    ("prediction", "target"),
    [
        ((4,), (4, 1)),
        ((4, 1), (1, 4)),
        ((4, 4), (4,)),
        ((4, 2), (4, 1)),
        ((4, 1), (3,)),
        ((4,), ()),
    ],
)
def test_shapes_must_agree(prediction, target):
    with pytest.raises(ShapeError, match="wanted targets of the predictions' shape"):
        MeanSquaredError().forward(Context("float64"), np.zeros(prediction), np.zeros(target))


def test_labels_are_told_how_to_become_one_hot():
    with pytest.raises(ShapeError, match=r"one-hot rows with np\.eye\(3\)\[y\]$"):
        MeanSquaredError().check((3,), np.zeros(7, int))
    with pytest.raises(ShapeError, match=r"found \(7,\)$"):
        MeanSquaredError().check((3,), np.zeros(7))


def test_targets_are_checked_before_training():
    MeanSquaredError().check((1,), np.zeros(7))
    MeanSquaredError().check((2, 3), np.zeros((7, 2, 3)))
    with pytest.raises(ShapeError, match=r"shape \(N, 2\), found \(7,\)"):
        MeanSquaredError().check((2,), np.zeros(7))


def test_a_long_sum_in_float32_stays_accurate():
    rng = np.random.default_rng(0)
    y = rng.standard_normal((300, 1000)).astype("float32")
    value, _ = MeanSquaredError()(y, np.zeros_like(y))
    assert value == pytest.approx((y.astype(float) ** 2).mean(), rel=1e-6)

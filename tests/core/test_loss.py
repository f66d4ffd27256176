"""What every loss has from its interface."""

import numpy as np
import pytest

import mlpk
from mlpk import Context, DataError


def test_called_it_gives_value_and_gradient_for_a_loop_of_ones_own():
    loss = mlpk.losses.mean_squared_error()
    value, gradient = loss(np.array([[1.0], [3.0]]), np.array([0.0, 1.0]))
    assert value == 2.5
    np.testing.assert_array_equal(gradient, [[1.0], [2.0]])
    value, gradient = loss(np.array([[1.0], [3.0]]), np.array([0.0, 1.0]), np.array([3, 1]))
    assert value == (3 * 1 + 4) / 4
    np.testing.assert_array_equal(gradient, [[1.5], [1.0]])


@pytest.mark.parametrize(("given", "wanted"), [("float32", "float32"), ("int64", "float64")])
def test_the_gradient_has_the_dtype_of_the_prediction(given, wanted):
    _, gradient = mlpk.losses.mean_squared_error()(np.ones((2, 1), given), np.zeros(2))
    assert gradient.dtype == wanted


def test_targets_are_checked_first():
    with pytest.raises(DataError, match="label 2 in row 1"):
        mlpk.losses.softmax_cross_entropy()(np.zeros((2, 2)), np.array([0, 2]))


def test_mass_is_rows_or_the_sum_of_their_weights():
    loss = mlpk.losses.mean_squared_error()
    assert loss.mass(Context("float64"), (3, 2), np.zeros((3, 2)), None) == 3.0
    assert (
        loss.mass(
            Context("float64"), (3, 2), np.zeros((3, 2)), np.array([0.5, 0.0, 0.25], np.float32)
        )
        == 0.75
    )
    # Added up in float64: in float32 a one is lost beside 2**24.
    weight = np.array([2.0**24, *[1.0] * 6], np.float32)
    assert loss.mass(Context("float64"), (7, 1), np.zeros((7, 1)), weight) == 2.0**24 + 6

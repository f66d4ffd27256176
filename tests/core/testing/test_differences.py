"""Central differences, and the comparison with them."""

import numpy as np
import pytest

from mlpk.testing.differences import assert_close, by_differences, on_both_sides


def test_the_gradient_of_a_cubic():
    x = np.array([[1.0, -2.0], [0.0, 0.5]])
    held = x.copy()
    found = by_differences(lambda: float((x**3).sum()), x)
    np.testing.assert_allclose(found, 3 * held**2, atol=1e-9)
    np.testing.assert_array_equal(x, held)


def test_agreement_is_relative_to_the_largest_value():
    wanted = np.array([1e6, 1.0])
    assert_close(wanted + 0.5, wanted, "gradient")
    with pytest.raises(AssertionError, match=r"gradient: off by 2 at \(1,\): found 3, wanted 1"):
        assert_close(wanted + np.array([0.0, 2.0]), wanted, "gradient")
    with pytest.raises(AssertionError, match=r"off by"):
        assert_close(np.array([1e-3]), np.array([0.0]), "small", 1e-4)


def test_nan_and_other_shapes_never_agree():
    with pytest.raises(AssertionError, match=r"off by nan at \(1,\)"):
        assert_close(np.array([0.0, np.nan]), np.zeros(2), "gradient")
    with pytest.raises(AssertionError, match=r"gradient: shape \(2,\), wanted \(2, 1\)"):
        assert_close(np.zeros(2), np.zeros((2, 1)), "gradient")
    assert_close(np.zeros(0), np.zeros(0), "nothing")


def test_both_sides_of_a_point_along_a_direction():
    x = np.array([3.0, 0.1])
    above, below = on_both_sides(lambda: x**2, x, np.array([1.0, -2.0]), 0.5)
    np.testing.assert_allclose(above, [3.5**2, 0.9**2])
    np.testing.assert_allclose(below, [2.5**2, 1.1**2])
    assert x.tolist() == [3.0, 0.1]  # to the bit


def test_a_value_that_lies_in_the_same_memory_each_time_is_copied():
    x, y = np.array([1.0]), np.empty(1)
    above, below = on_both_sides(lambda: np.multiply(x, 2, out=y), x, np.ones(1), 0.25)
    assert (above.tolist(), below.tolist()) == ([2.5], [1.5])

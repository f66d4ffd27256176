from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk.norm import norm


@given(st.integers(0, 2**32 - 1), st.floats(-37, 37))
def test_it_is_the_length_at_any_scale_of_the_dtype(seed, exponent):
    rng = np.random.default_rng(seed)
    arrays = [(rng.standard_normal(shape) * 10**exponent).astype("f4") for shape in (7, (2, 3))]
    wide = np.concatenate([array.ravel() for array in arrays]).astype("f8")
    assert norm(*arrays) == pytest.approx(float(np.linalg.norm(wide)), rel=1e-5)


def test_of_three_and_four_it_is_five():
    assert norm(np.array([3.0]), np.array([[4.0]])) == 5.0


def test_of_nothing_and_of_zeros_it_is_zero():
    assert norm() == norm(np.zeros(0)) == norm(np.zeros((2, 2), "f4")) == 0.0


@pytest.mark.parametrize("value", [inf, -inf])
def test_an_infinite_element_makes_it_infinite(value):
    assert norm(np.array([1.0, value])) == inf


def test_a_missing_element_makes_it_missing():
    assert isnan(norm(np.array([1.0, nan], "f4")))

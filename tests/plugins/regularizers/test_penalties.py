"""Penalties: numbers by hand, gradients against differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlpk import ConfigError
from mlpk_plugins.regularizers import mlpk_regularizers
from mlpk_plugins.regularizers.l1 import L1
from mlpk_plugins.regularizers.l2 import L2

BOTH = pytest.mark.parametrize("cls", [L1, L2], ids=["l1", "l2"])

# Away from 0, where L1 has a kink.
weights = hnp.arrays(
    np.float64, st.integers(1, 6), elements=st.floats(0.01, 3) | st.floats(-3, -0.01)
)


def gradient(regularizer, param):
    grad = np.zeros_like(param)
    regularizer.add_gradient(param, grad)
    return grad


def test_by_hand():
    w = np.array([3.0, -4.0, 0.0])
    assert L2(l2=0.1).penalty(w) == pytest.approx(1.25)
    assert L1(l1=0.1).penalty(w) == pytest.approx(0.7)
    np.testing.assert_allclose(gradient(L2(l2=0.1), w), [0.3, -0.4, 0.0])
    np.testing.assert_array_equal(gradient(L1(l1=0.1), w), [0.1, -0.1, 0.0])
    assert (L1().l1, L2().l2) == (0.01, 0.01)


@BOTH
@given(w=weights, strength=st.floats(0, 2))
def test_the_gradient_is_the_penaltys(cls, w, strength):
    regularizer, h = cls(strength), 1e-6
    for i, found in enumerate(gradient(regularizer, w)):
        ahead, behind = w.copy(), w.copy()
        ahead[i] += h
        behind[i] -= h
        slope = (regularizer.penalty(ahead) - regularizer.penalty(behind)) / (2 * h)
        assert found == pytest.approx(slope, rel=1e-6, abs=1e-7)


@BOTH
@given(w=weights)
def test_it_is_a_sum_over_elements(cls, w):
    parts = [cls().penalty(w[i : i + 1]) for i in range(w.size)]
    assert cls().penalty(w) == pytest.approx(sum(parts))


@BOTH
def test_the_gradient_is_added_in_place(cls):
    w = np.array([1.0, -2.0], np.float32)
    grad = np.array([10.0, 20.0], np.float32)
    before = w.copy()
    assert cls(0.5).add_gradient(w, grad) is None
    np.testing.assert_array_equal(grad, [10.5, 19.0] if cls is L2 else [10.5, 19.5])
    np.testing.assert_array_equal(w, before)


@BOTH
def test_a_large_float32_array_is_summed_accurately(cls):
    w = np.random.default_rng(0).standard_normal(1_000_000).astype(np.float32)
    exact = w.astype(np.float64)
    wanted = 0.005 * np.square(exact).sum() if cls is L2 else 0.01 * np.abs(exact).sum()
    penalty = cls().penalty(w)
    assert type(penalty) is float
    assert penalty == pytest.approx(wanted, rel=1e-5)


@BOTH
def test_a_negative_strength_is_refused_by_name(cls):
    with pytest.raises(ConfigError) as caught:
        cls(-0.1)
    assert caught.value.where == f"{cls.kind}.{cls.kind}"


def test_the_hook_brings_both():
    assert mlpk_regularizers() == [L1, L2]

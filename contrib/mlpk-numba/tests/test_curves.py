"""exp, tanh and sigmoid, against NumPy's in a wider float."""

import numpy as np
import pytest

pytest.importorskip("numba")

from mlpk_numba.compiled import compiled
from mlpk_numba.curves import exp, sigmoid, tanh

WIDER = {"float32": np.float64, "float64": np.longdouble}
FAR = {"float32": 87.0, "float64": 708.0}


@compiled
def exps(x, y):
    for i in range(x.size):
        y[i] = exp(x[i])


@compiled
def tanhs(x, y):
    for i in range(x.size):
        y[i] = tanh(x[i])


@compiled
def sigmoids(x, y):
    for i in range(x.size):
        y[i] = sigmoid(x[i])


def exact_sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("dtype", WIDER)
@pytest.mark.parametrize(
    ("function", "wanted"), [(exps, np.exp), (tanhs, np.tanh), (sigmoids, exact_sigmoid)]
)
def test_they_are_right_to_two_units_in_the_last_place(function, wanted, dtype):
    tiny, far = np.geomspace(1e-30, 1, 2001), np.linspace(-FAR[dtype], FAR[dtype], 20_001)
    x = np.concatenate([tiny, -tiny, far]).astype(dtype)
    y = np.empty_like(x)
    function(x, y)
    exact = wanted(x.astype(WIDER[dtype]))
    ulps = 2 * np.finfo(dtype).eps
    assert (np.abs(y - exact) <= ulps * np.abs(exact)).all()


@pytest.mark.parametrize("dtype", WIDER)
def test_the_ends(dtype):
    x = np.array([np.nan, np.inf, -np.inf, 1e9, -1e9, 0], dtype)
    y = np.empty_like(x)
    exps(x, y)
    np.testing.assert_array_equal(y, [np.nan, np.inf, 0, np.inf, 0, 1])
    tanhs(x, y)
    np.testing.assert_array_equal(y, [np.nan, 1, -1, 1, -1, 0])
    sigmoids(x, y)
    tiny = np.finfo(dtype).tiny
    np.testing.assert_allclose(y, [np.nan, 1, 0, 1, 0, 0.5], rtol=0, atol=2 * tiny)
    assert (y[[2, 4]] >= tiny).all()

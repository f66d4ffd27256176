"""ReLU, sigmoid, tanh and softmax."""

import math

import numpy as np
import pytest

from mlpk import ShapeError
from mlpk_plugins.layers.relu import ReLU
from mlpk_plugins.layers.sigmoid import Sigmoid
from mlpk_plugins.layers.softmax import Softmax
from mlpk_plugins.layers.tanh import Tanh

DTYPES = ("float32", "float64")
ELEMENTWISE = (ReLU(), Sigmoid(), Tanh())


@pytest.mark.parametrize("layer", ELEMENTWISE, ids=repr)
def test_elementwise_layers_keep_any_shape(layer):
    for shape in ((), (3,), (None, 5), (2, None, 4)):
        assert layer.declare(shape).output == shape
        assert not layer.declare(shape).params


def test_what_they_give():
    gives = {layer.kind: layer.gives for layer in (*ELEMENTWISE, Softmax())}
    assert gives == {
        "relu": "real",
        "sigmoid": "probabilities",
        "tanh": "real",
        "softmax": "probabilities",
    }


def test_relu_by_hand_with_slope_0_at_0(alone):
    run = alone(ReLU(), np.array([[-2.0, -0.0, 0.0, 0.5, 3.0]]))
    assert run.forward().tolist() == [[0.0, 0.0, 0.0, 0.5, 3.0]]
    (dx,) = run.backward(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]))
    assert dx.tolist() == [[0.0, 0.0, 0.0, 4.0, 5.0]]


def test_relu_passes_nan_on(alone):
    assert np.isnan(alone(ReLU(), np.array([[math.nan]])).forward()).all()


def test_sigmoid_by_hand(alone):
    # 1 / (1 + 1/3) at log 3, 1 / (1 + 3) at -log 3; the slope is y (1 - y).
    run = alone(Sigmoid(), np.array([[0.0, math.log(3), -math.log(3)]]))
    np.testing.assert_allclose(run.forward(), [[0.5, 0.75, 0.25]], rtol=1e-15)
    (dx,) = run.backward(np.array([[1.0, 2.0, 4.0]]))
    np.testing.assert_allclose(dx, [[0.25, 0.375, 0.75]], rtol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_keeps_its_relative_precision(dtype, alone):
    x = np.linspace(-40, 40, 2001).astype(dtype)[:, None]
    y = alone(Sigmoid(), x).forward()
    wanted = [[1 / (1 + math.exp(-value))] for value in x[:, 0].tolist()]
    np.testing.assert_allclose(y, wanted, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_far_out_they_saturate_without_a_warning(dtype, alone):
    x = np.array([[-1e4, 1e4]], dtype)
    dy = np.ones((1, 2), dtype)
    for layer, wanted in ((Sigmoid(), [[0, 1]]), (Tanh(), [[-1, 1]]), (Softmax(), [[0, 1]])):
        run = alone(layer, x)
        assert run.forward().tolist() == wanted
        assert run.backward(dy)[0].tolist() == [[0, 0]]


def test_tanh_by_hand(alone):
    # tanh(log 2) = (2 - 1/2) / (2 + 1/2) = 3/5, where the slope is 1 - 9/25.
    run = alone(Tanh(), np.array([[0.0, math.log(2), -math.log(2)]]))
    np.testing.assert_allclose(run.forward(), [[0.0, 0.6, -0.6]], rtol=1e-15)
    (dx,) = run.backward(np.array([[1.0, 1.0, 2.0]]))
    np.testing.assert_allclose(dx, [[1.0, 0.64, 1.28]], rtol=1e-14)


def test_softmax_by_hand(alone):
    run = alone(Softmax(), np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]]))
    np.testing.assert_allclose(run.forward(), [[0.125, 0.25, 0.625], [0.375, 0.375, 0.25]])
    # dy . y = 1 * 1/8 in the first row: dx = y * (dy - 1/8).
    (dx,) = run.backward(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(dx[0], [0.125 * 0.875, -0.25 * 0.125, -0.625 * 0.125])
    assert not dx[1].any()


def test_softmax_follows_its_jacobian_at_every_position(alone):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 3, 4, 5))
    run = alone(Softmax(), x)
    y = run.forward().copy()
    (dx,) = run.backward(dy)
    for at in np.ndindex(2, 3, 4):
        p = np.array([math.exp(value) for value in x[at]])
        p /= p.sum()
        np.testing.assert_allclose(y[at], p, rtol=1e-14)
        jacobian = np.diag(p) - np.outer(p, p)
        np.testing.assert_allclose(dx[at], jacobian @ dy[at], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_of_large_scores(dtype, alone):
    run = alone(Softmax(), np.array([[1e4, 1e4, -1e4], [-1e4, -1e4, -1e4]], dtype))
    np.testing.assert_allclose(run.forward(), [[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-7)


def test_softmax_shares_out_nothing_where_a_score_is_minus_infinity(alone):
    run = alone(Softmax(), np.array([[-math.inf, 2.0, 2.0]]))
    assert run.forward().tolist() == [[0.0, 0.5, 0.5]]


def test_softmax_needs_classes():
    assert Softmax().declare((None, 7)).output == (None, 7)
    with pytest.raises(ShapeError, match="wanted an axis of classes"):
        Softmax().declare(())

"""Softplus, softsign, hard sigmoid and log-softmax."""

import math

import numpy as np
import pytest

from mlpk import ShapeError
from mlpk_plugins.layers.hard_sigmoid import HardSigmoid
from mlpk_plugins.layers.log_softmax import LogSoftmax
from mlpk_plugins.layers.softplus import Softplus
from mlpk_plugins.layers.softsign import Softsign

DTYPES = ("float32", "float64")


@pytest.mark.parametrize("layer", [HardSigmoid(), Softplus(), Softsign()], ids=repr)
def test_any_shape_is_kept(layer):
    for shape in ((), (3,), (None, 5)):
        assert layer.declare(shape).output == shape


def test_what_they_give():
    gives = [layer.gives for layer in (HardSigmoid(), LogSoftmax(), Softplus(), Softsign())]
    assert gives == ["probabilities", "real", "real", "real"]


def test_softplus_by_hand(alone):
    log3 = math.log(3)
    run = alone(Softplus(), np.array([[0.0, log3, -log3]]))
    wanted = [[math.log(2), math.log(4), math.log(4 / 3)]]
    np.testing.assert_allclose(run.forward(), wanted, rtol=1e-15)
    (dx,) = run.backward(np.array([[2.0, 4.0, 8.0]]))
    np.testing.assert_allclose(dx, [[1.0, 3.0, 2.0]], rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softplus_keeps_its_relative_precision(dtype, alone):
    x = np.linspace(-80, 80, 2001).astype(dtype)[:, None]
    run = alone(Softplus(), x)
    values = x[:, 0].tolist()
    wanted = [[max(value, 0) + math.log1p(math.exp(-abs(value)))] for value in values]
    np.testing.assert_allclose(run.forward(), wanted, rtol=8 * np.finfo(dtype).eps)
    slopes = [[1 / (1 + math.exp(-value))] for value in values]
    (dx,) = run.backward(np.ones_like(x))
    np.testing.assert_allclose(dx, slopes, rtol=8 * np.finfo(dtype).eps)


def test_softsign_by_hand(alone):
    run = alone(Softsign(), np.array([[-1.0, 0.0, 3.0]]))
    assert run.forward().tolist() == [[-0.5, 0.0, 0.75]]
    assert run.backward(np.array([[1.0, 2.0, 32.0]]))[0].tolist() == [[0.25, 2.0, 2.0]]


def test_hard_sigmoid_by_hand(alone):
    run = alone(HardSigmoid(), np.array([[-4.0, -3.0, -1.5, 0.0, 1.5, 3.0, 4.0]]))
    assert run.forward().tolist() == [[0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0]]
    (dx,) = run.backward(np.full((1, 7), 12.0))
    np.testing.assert_allclose(dx, [[0.0, 0.0, 2.0, 2.0, 2.0, 0.0, 0.0]], rtol=1e-15)


def test_log_softmax_by_hand(alone):
    run = alone(LogSoftmax(), np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]]))
    p = [[0.125, 0.25, 0.625], [0.375, 0.375, 0.25]]
    np.testing.assert_allclose(np.exp(run.forward()), p, rtol=1e-14)
    (dx,) = run.backward(np.array([[2.0, 0.0, 2.0], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(dx, [[1.5, -1.0, -0.5], [0.0, 0.0, 0.0]], atol=1e-15)


def test_log_softmax_follows_its_jacobian_at_every_position(alone):
    x, dy = np.random.default_rng(0).standard_normal((2, 2, 3, 4, 5))
    run = alone(LogSoftmax(), x)
    y = run.forward().copy()
    (dx,) = run.backward(dy)
    for at in np.ndindex(2, 3, 4):
        p = np.array([math.exp(value) for value in x[at]])
        p /= p.sum()
        np.testing.assert_allclose(y[at], np.log(p), rtol=1e-13)
        np.testing.assert_allclose(
            dx[at], (np.eye(5) - p[:, None]) @ dy[at], rtol=1e-12, atol=1e-15
        )


def test_log_softmax_needs_classes():
    assert LogSoftmax().declare((None, 7)).output == (None, 7)
    with pytest.raises(ShapeError, match="wanted an axis of classes"):
        LogSoftmax().declare(())


@pytest.mark.parametrize("dtype", DTYPES)
def test_far_out_without_a_warning(dtype, alone):
    x, dy = np.array([[-1e4, 1e4]], dtype), np.ones((1, 2), dtype)
    far = 1e4 / 10001
    for layer, y, dx in (
        (Softplus(), [0.0, 1e4], [0.0, 1.0]),
        (Softsign(), [-far, far], [1 / 10001**2] * 2),
        (HardSigmoid(), [0.0, 1.0], [0.0, 0.0]),
        (LogSoftmax(), [-2e4, 0.0], [1.0, -1.0]),
    ):
        run = alone(layer, x)
        np.testing.assert_allclose(run.forward()[0], y, rtol=1e-6)
        np.testing.assert_allclose(run.backward(dy)[0][0], dx, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_softmax_with_ties(dtype, alone):
    run = alone(LogSoftmax(), np.array([[1e4, 1e4, -1e4], [-1e4, -1e4, -1e4]], dtype))
    log2, log3 = math.log(2), math.log(3)
    wanted = [[-log2, -log2, -2e4 - log2], [-log3] * 3]
    np.testing.assert_allclose(run.forward(), wanted, rtol=1e-6)

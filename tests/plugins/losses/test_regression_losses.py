"""Losses of numbers: mean absolute error, Huber's, log-cosh, Poisson's."""

import math

import numpy as np
import pytest

from mlpk import ConfigError, DataError, ShapeError
from mlpk_plugins.losses.huber import Huber
from mlpk_plugins.losses.log_cosh import LogCosh
from mlpk_plugins.losses.mean_absolute_error import MeanAbsoluteError
from mlpk_plugins.losses.poisson import Poisson

Y = np.array([[1.0, 2.0], [3.0, 5.0]])
T = np.array([[0, 4], [3, 2]])  # errors 1, -2, 0, 3
ALL = [Huber(), LogCosh(), MeanAbsoluteError(), Poisson()]


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "float32", "float64"])
def test_absolute_errors_by_hand(dtype):
    value, gradient = MeanAbsoluteError()(Y, T.astype(dtype))
    assert value == 1.5
    assert gradient.tolist() == [[0.25, -0.25], [0.0, 0.25]]


def test_absolute_errors_with_weights_by_hand():
    value, gradient = MeanAbsoluteError()(Y, T, [1.0, 3.0])
    assert value == 1.5  # (1 * 3 + 3 * 3) / (1 * 2 + 3 * 2)
    assert gradient.tolist() == [[0.125, -0.125], [0.0, 0.375]]


def test_huber_by_hand():
    value, gradient = Huber(delta=2.0)(Y, T)
    assert value == (0.5 + 2.0 + 0.0 + 2 * (3 - 1)) / 4
    assert gradient.tolist() == [[0.25, -0.5], [0.0, 0.5]]  # clipped to 2, over 4
    value, gradient = Huber(delta=2.0)(Y, T, [1.0, 3.0])
    assert value == (1 * 2.5 + 3 * 4) / 8
    assert gradient.tolist() == [[0.125, -0.25], [0.0, 0.75]]


def test_huber_lies_between_squares_and_absolute_values():
    errors = np.linspace(-5, 5, 101)[:, None]
    half_square = Huber(delta=5.0)(errors, np.zeros(101))[0]
    assert half_square == pytest.approx(0.5 * np.mean(errors**2))
    line, slopes = Huber(delta=1e-6)(errors, np.zeros(101))
    assert line / 1e-6 == pytest.approx(np.mean(np.abs(errors)), rel=1e-5)
    assert np.abs(slopes).max() == pytest.approx(1e-6 / 101)


def test_log_cosh_by_hand():
    value, gradient = LogCosh()(Y, T)
    assert value == pytest.approx(sum(math.log(math.cosh(e)) for e in (1, -2, 0, 3)) / 4, rel=1e-14)
    tanh = [[math.tanh(1), math.tanh(-2)], [0.0, math.tanh(3)]]
    np.testing.assert_allclose(gradient, np.array(tanh) / 4, rtol=1e-14)


@pytest.mark.parametrize(("dtype", "digits"), [("float32", 1e-6), ("float64", 1e-14)])
def test_log_cosh_keeps_its_digits_for_small_and_large_errors(dtype, digits):
    for error in (1e-12, 1e-5, 1e-4, 1e-3):
        # log(cosh(e)) = e**2 / 2 - e**4 / 12 + ...
        wanted = error**2 / 2 - error**4 / 12
        value, _ = LogCosh()(np.array([[error]], dtype), np.zeros(1, dtype))
        assert value == pytest.approx(wanted, rel=10 * digits)
    for error in (1e4, -1e4, 1e30):
        value, gradient = LogCosh()(np.array([[error]], dtype), np.zeros(1, dtype))
        assert value == pytest.approx(abs(error) - math.log(2), rel=digits)
        assert gradient[0, 0] == np.sign(error)
    for error in (19.9, 20.0, 20.1):
        value, _ = LogCosh()(np.array([[error]]), np.zeros(1))
        assert value == pytest.approx(math.log(math.cosh(error)), rel=1e-15)


def test_poisson_by_hand():
    z = np.log([[1.0, 2.0], [3.0, 0.5]])
    value, gradient = Poisson()(z, [[1, 0], [3, 2]])
    wanted = (1 - 0) + 2 + (3 - 3 * math.log(3)) + (0.5 + 2 * math.log(2))
    assert value == pytest.approx(wanted / 4, rel=1e-14)
    np.testing.assert_allclose(gradient, [[0, 0.5], [0, -0.375]], atol=1e-15)


def test_poisson_is_least_at_the_count_itself():
    counts = np.array([[1.0], [4.0], [250.0]])
    best, gradient = Poisson()(np.log(counts), counts)
    assert np.abs(gradient).max() < 1e-12
    for shift in (-0.1, 0.1):
        assert Poisson()(np.log(counts) + shift, counts)[0] > best


def test_poisson_far_out():
    value, gradient = Poisson()(np.array([[-1e4], [0.0]]), [2, 1])
    assert value == (2e4 + 1) / 2
    assert gradient[:, 0].tolist() == [-1.0, 0.0]
    assert Poisson()(np.array([[1e4]]), [1])[0] == math.inf


def test_poisson_refuses_negative_counts():
    with pytest.raises(DataError, match=r"target -1 in row 1: wanted 0 or more") as info:
        Poisson()(np.zeros((2, 1)), [0, -1])
    assert info.value.row == 1


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.kind)
def test_shapes_must_agree_and_nothing_broadcasts(loss):
    for shape in ((2,), (2, 1), (1, 2), (2, 3), (2, 2, 1)):
        with pytest.raises(ShapeError, match=r"wanted targets of the predictions' shape"):
            loss(Y, np.ones(shape))
    column, vector = loss(Y[:, :1], np.ones((2, 1))), loss(Y[:, :1], np.ones(2))
    assert column[0] == vector[0]
    assert vector[1].shape == (2, 1)


def test_delta_is_above_zero():
    with pytest.raises(ConfigError, match="delta"):
        Huber(delta=0.0)

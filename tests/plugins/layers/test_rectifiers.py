"""Leaky ReLU, PReLU, ELU and SELU."""

import math

import numpy as np
import pytest

from mlpk import ConfigError, Model, ShapeError
from mlpk_plugins.layers.elu import ELU
from mlpk_plugins.layers.leaky_relu import LeakyReLU
from mlpk_plugins.layers.prelu import PReLU
from mlpk_plugins.layers.selu import SELU

DTYPES = ("float32", "float64")


@pytest.mark.parametrize("layer", [LeakyReLU(), ELU(), SELU()], ids=repr)
def test_any_shape_is_kept_and_nothing_is_learnt(layer):
    for shape in ((), (3,), (None, 5), (2, None, 4)):
        declared = layer.declare(shape)
        assert declared.output == shape
        assert not declared.params
    assert layer.gives == "real"


def test_leaky_relu_by_hand(alone):
    run = alone(LeakyReLU(slope=0.5), np.array([[-2.0, 0.0, 3.0]]))
    assert run.forward().tolist() == [[-1.0, 0.0, 3.0]]
    assert run.backward(np.array([[4.0, 6.0, 8.0]]))[0].tolist() == [[2.0, 3.0, 8.0]]


@pytest.mark.parametrize(("slope", "y"), [(0.0, 0.0), (0.25, -1.0), (1.0, -4.0)])
def test_leaky_relu_from_relu_to_identity(slope, y, alone):
    assert alone(LeakyReLU(slope=slope), np.array([[-4.0, 5.0]])).forward().tolist() == [[y, 5.0]]


def test_prelu_by_hand(alone):
    x = np.array([[[-1.0, -2.0], [3.0, -4.0]], [[0.0, 5.0], [-6.0, 7.0]]])
    run = alone(PReLU(), x, slope=[0.5, -2.0])
    assert run.forward().tolist() == [[[-0.5, 4.0], [3.0, 8.0]], [[0.0, 5.0], [-3.0, 7.0]]]
    (dx,) = run.backward(np.array([[[1.0, 1.0], [2.0, 2.0]], [[3.0, 3.0], [4.0, 4.0]]]))
    assert dx.tolist() == [[[0.5, -2.0], [2.0, -4.0]], [[1.5, 3.0], [2.0, 4.0]]]
    assert run.grads["slope"].tolist() == [-1.0 - 24.0, -2.0 - 8.0]


def test_prelu_starts_at_a_quarter_and_does_not_decay():
    params = PReLU().declare((None, 3)).params
    assert params["slope"].shape == (3,)
    assert not params["slope"].decay
    assert Model([PReLU()], input_shape=(3,)).params["prelu/slope"].tolist() == [0.25] * 3
    zero = Model([PReLU(init="zeros")], input_shape=(3,))
    assert not zero.params["prelu/slope"].any()


def test_prelu_needs_channels():
    with pytest.raises(ShapeError, match="wanted an axis of channels"):
        PReLU().declare(())
    with pytest.raises(ShapeError, match="wanted a known length"):
        PReLU().declare((3, None))


@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_elu_by_hand(alpha, alone):
    # exp(-log 2) - 1 = -1/2, where the slope is 1/2; both alpha times.
    run = alone(ELU(alpha=alpha), np.array([[-math.log(2), 0.0, 3.0]]))
    np.testing.assert_allclose(run.forward(), [[-alpha / 2, 0.0, 3.0]], rtol=1e-15)
    (dx,) = run.backward(np.array([[1.0, 2.0, 5.0]]))
    np.testing.assert_allclose(dx, [[alpha / 2, 2 * alpha, 5.0]], rtol=1e-15)


def test_elu_with_alpha_0_is_relu(alone):
    run = alone(ELU(alpha=0.0), np.array([[-2.0, 3.0]]))
    assert run.forward().tolist() == [[0.0, 3.0]]
    assert run.backward(np.ones((1, 2)))[0].tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("layer", [ELU(), SELU()], ids=repr)
def test_close_to_0_no_digit_is_lost(layer, alone):
    y = alone(layer, np.array([[-1e-12, 1e-12]])).forward()
    slopes = {"elu": (1.0, 1.0), "selu": (1.7580993408473766, 1.0507009873554805)}[layer.kind]
    below, above = slopes
    np.testing.assert_allclose(y, [[-1e-12 * below, 1e-12 * above]], rtol=1e-11)


def test_selu_maps_mean_0_and_variance_1_onto_themselves(alone):
    """With z normal: E exp(k z) [z < 0] = exp(k k / 2) Phi(-k), E max(z, 0) = 1 / sqrt(2 pi)."""
    below, above = alone(SELU(), np.array([[-800.0, 1.0]])).forward()[0].tolist()
    scale, alpha = above, -below / above
    once, twice = (math.exp(k * k / 2) * math.erfc(k / math.sqrt(2)) / 2 for k in (1, 2))
    mean = scale * (1 / math.sqrt(2 * math.pi) + alpha * (once - 0.5))
    square = scale**2 * (0.5 + alpha**2 * (twice - 2 * once + 0.5))
    assert abs(mean) < 1e-15
    assert abs(square - 1) < 1e-15


def test_selu_by_hand(alone):
    run = alone(SELU(), np.array([[-math.log(2), 2.0]]))
    product = 1.7580993408473766  # scale * alpha
    np.testing.assert_allclose(run.forward(), [[-product / 2, 2.101401974710961]], rtol=1e-15)
    (dx,) = run.backward(np.array([[2.0, 3.0]]))
    np.testing.assert_allclose(dx, [[product, 3.1521029620664414]], rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_far_out_without_a_warning(dtype, alone):
    x, dy = np.array([[-1e4, 1e4]], dtype), np.ones((1, 2), dtype)
    scale, product = 1.0507009873554805, 1.7580993408473766
    for layer, y, dx in (
        (LeakyReLU(), [-100.0, 1e4], [0.01, 1.0]),
        (ELU(), [-1.0, 1e4], [0.0, 1.0]),
        (SELU(), [-product, 1e4 * scale], [0.0, scale]),
    ):
        run = alone(layer, x)
        np.testing.assert_allclose(run.forward()[0], y, rtol=1e-6)
        np.testing.assert_allclose(run.backward(dy)[0][0], dx, rtol=1e-6)


def test_fields_out_of_range_are_refused():
    for slope in (-0.1, 1.1):
        with pytest.raises(ConfigError, match=r"leaky_relu.slope"):
            LeakyReLU(slope=slope)
    with pytest.raises(ConfigError, match=r"elu.alpha"):
        ELU(alpha=-1.0)

"""GELU, SiLU, mish and hard swish, which gate their input; the normal distribution."""

import math

import numpy as np
import pytest

from mlpk import ConfigError, Context
from mlpk_plugins.layers.gelu import GELU
from mlpk_plugins.layers.hard_swish import HardSwish
from mlpk_plugins.layers.mish import Mish
from mlpk_plugins.layers.parts.normal_distribution import BLOCK, normal_distribution
from mlpk_plugins.layers.silu import SiLU

DTYPES = ("float32", "float64")
GATES = (GELU(), GELU(approximate="tanh"), SiLU(), Mish(), HardSwish())


@pytest.mark.parametrize("layer", GATES, ids=repr)
def test_any_shape_is_kept(layer):
    for shape in ((), (3,), (None, 5)):
        assert layer.declare(shape).output == shape
    assert layer.gives == "real"


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_normal_distribution_against_erfc(dtype):
    eps = np.finfo(dtype).eps
    lowest = -37.0 if dtype == "float64" else -12.0
    x = np.linspace(lowest, 9, 3 * BLOCK + 17).astype(dtype)
    density, cdf = normal_distribution(Context(dtype, spoil=True), x)
    assert density.dtype == cdf.dtype == dtype
    values = x.tolist()
    wanted = np.array([math.erfc(-value / math.sqrt(2)) / 2 for value in values])
    # What rounding value / sqrt(2) does to the reference adds x**2 eps of float64.
    square = np.square(np.minimum(x.astype("float64"), 0))
    tolerance = (5 + square / 2) * eps + (3 + square) * 2.3e-16
    assert (np.abs(cdf - wanted) <= tolerance * wanted).all()
    wanted = np.array([math.exp(-value * value / 2) for value in values]) / math.sqrt(2 * math.pi)
    np.testing.assert_array_less(np.abs(density - wanted), (4 + np.square(x)) * eps * wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_erf_as_the_normal_distribution_gives_it(dtype):
    x = np.linspace(-6, 6, 2001).astype(dtype)
    _, cdf = normal_distribution(Context(dtype, spoil=True), x)
    wanted = [math.erf(value / math.sqrt(2)) for value in x.tolist()]
    np.testing.assert_allclose(2 * cdf - 1, wanted, rtol=0, atol=5 * np.finfo(dtype).eps)


def test_the_normal_distribution_far_out():
    x = np.array([-math.inf, -1e300, -40.0, 0.0, 40.0, 1e300, math.inf, math.nan])
    density, cdf = normal_distribution(Context("float64", spoil=True), x)
    np.testing.assert_allclose(cdf[:-1], [0, 0, 0, 0.5, 1, 1, 1], rtol=1e-15)
    np.testing.assert_allclose(density[:-1], [0, 0, 0, 0.3989422804014327, 0, 0, 0], rtol=1e-15)
    assert math.isnan(cdf[-1])


def test_gelu_by_hand(alone):
    # The tables of the normal distribution at 1: cdf 0.84134..., density 0.24197...
    cdf, density = 0.8413447460685429, 0.24197072451914337
    run = alone(GELU(), np.array([[-1.0, 0.0, 1.0]]))
    np.testing.assert_allclose(run.forward(), [[cdf - 1, 0.0, cdf]], rtol=2e-15)
    (dx,) = run.backward(np.array([[1.0, 2.0, 1.0]]))
    np.testing.assert_allclose(dx, [[1 - cdf - density, 1.0, cdf + density]], rtol=5e-15)


def test_gelu_with_tanh_follows_its_formula(alone):
    x = np.linspace(-5, 5, 101)[:, None]
    run = alone(GELU(approximate="tanh"), x)
    root = math.sqrt(2 / math.pi)
    tanh = np.tanh(root * (x + 0.044715 * x**3))
    np.testing.assert_allclose(run.forward(), 0.5 * x * (1 + tanh), rtol=1e-12, atol=1e-15)
    slope = 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh**2) * root * (1 + 3 * 0.044715 * x**2)
    np.testing.assert_allclose(run.backward(3 * np.ones_like(x))[0], 3 * slope, atol=1e-14)


def test_both_forms_of_gelu_are_close_but_not_the_same(alone):
    x = np.linspace(-4, 4, 81)[:, None]
    exact, by_tanh = (alone(layer, x).forward().copy() for layer in GATES[:2])
    assert 1e-4 < np.abs(exact - by_tanh).max() < 1e-3


def test_gelu_takes_two_forms():
    with pytest.raises(ConfigError, match="'none' or 'tanh'"):
        GELU(approximate="sigmoid")


def test_silu_by_hand(alone):
    # The gate is 3/4 at log 3 and 1/4 at -log 3.
    log3 = math.log(3)
    run = alone(SiLU(), np.array([[0.0, log3, -log3]]))
    np.testing.assert_allclose(run.forward(), [[0.0, 0.75 * log3, -0.25 * log3]], rtol=1e-15)
    (dx,) = run.backward(np.array([[2.0, 1.0, 1.0]]))
    slopes = [[1.0, 0.75 * (1 + 0.25 * log3), 0.25 * (1 - 0.75 * log3)]]
    np.testing.assert_allclose(dx, slopes, rtol=1e-14)


def test_mish_by_hand(alone):
    # tanh(log 2) = 3/5 at 0; at log 3 it is tanh(log 4) = 15/17, and 1 - (15/17)**2 = 64/289.
    log3 = math.log(3)
    run = alone(Mish(), np.array([[0.0, log3]]))
    np.testing.assert_allclose(run.forward(), [[0.0, 15 / 17 * log3]], rtol=1e-15)
    (dx,) = run.backward(np.array([[5.0, 1.0]]))
    np.testing.assert_allclose(dx, [[3.0, 15 / 17 + 64 / 289 * 0.75 * log3]], rtol=1e-14)


def test_hard_swish_by_hand(alone):
    run = alone(HardSwish(), np.array([[-4.0, -3.0, -1.5, 0.0, 1.5, 3.0, 4.0]]))
    assert run.forward().tolist() == [[0.0, 0.0, -0.375, 0.0, 1.125, 3.0, 4.0]]
    (dx,) = run.backward(np.full((1, 7), 2.0))
    np.testing.assert_allclose(dx, [[0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0]], atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer", GATES, ids=repr)
def test_far_out_without_a_warning(layer, dtype, alone):
    run = alone(layer, np.array([[-1e4, 1e4, -1e30, 1e30]], dtype))
    assert run.forward()[0].tolist() == [0.0, np.dtype(dtype).type(1e4), 0.0, run.inputs[0][0, 3]]
    assert run.backward(np.ones((1, 4), dtype))[0].tolist() == [[0.0, 1.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("layer", "gate"),
    [
        (GELU(), lambda x: math.erfc(-x / math.sqrt(2)) / 2),
        (SiLU(), lambda x: math.exp(x) / (1 + math.exp(x))),
        (Mish(), lambda x: math.tanh(math.log1p(math.exp(x)))),
    ],
    ids=["gelu", "silu", "mish"],
)
def test_far_below_0_digits_are_kept(layer, gate, alone):
    x = np.array([[-8.0, -16.0, -32.0]])
    wanted = [[value * gate(value) for value in x[0].tolist()]]
    np.testing.assert_allclose(alone(layer, x).forward(), wanted, rtol=1e-12)

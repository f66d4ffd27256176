"""First values: their moments against the formulas, within what the sample's size allows."""

from math import erf, exp, pi, sqrt

import numpy as np
import pytest

from mlpk import ConfigError
from mlpk_plugins.initializers import mlpk_initializers
from mlpk_plugins.initializers.constant import Constant
from mlpk_plugins.initializers.gate_constant import GateConstant
from mlpk_plugins.initializers.glorot_normal import GlorotNormal
from mlpk_plugins.initializers.glorot_uniform import GlorotUniform
from mlpk_plugins.initializers.he_normal import HeNormal
from mlpk_plugins.initializers.he_uniform import HeUniform
from mlpk_plugins.initializers.lecun_normal import LecunNormal
from mlpk_plugins.initializers.lecun_uniform import LecunUniform
from mlpk_plugins.initializers.normal import Normal
from mlpk_plugins.initializers.ones import Ones
from mlpk_plugins.initializers.orthogonal import Orthogonal
from mlpk_plugins.initializers.parts.gaussian import STD_AFTER_CUT
from mlpk_plugins.initializers.uniform import Uniform
from mlpk_plugins.initializers.zeros import Zeros

N_IN, N_OUT = 300, 200
# Shapes with fewer than two axes that a kind takes; others take any.
VECTORS = {Orthogonal: [], GateConstant: [(4,)]}
FANS = (N_IN, N_OUT)
FIXED = Zeros | Ones | Constant | GateConstant

# Initializer, and the variance that it must have with these fans: 0.004, 0.00667, 0.00333, ...
UNIFORM = [
    (GlorotUniform(), 2 / 500),
    (HeUniform(), 2 / 300),
    (LecunUniform(), 1 / 300),
    (Uniform(), 0.05**2 / 3),
    (Uniform(limit=2.0), 4 / 3),
]
NORMAL = [
    (GlorotNormal(), 2 / 500),
    (HeNormal(), 2 / 300),
    (LecunNormal(), 1 / 300),
    (Normal(), 0.05**2),
    (Normal(std=2.0), 4.0),
]
TRUNCATED = [
    (GlorotNormal(truncated=True), 2 / 500),
    (HeNormal(truncated=True), 2 / 300),
    (LecunNormal(truncated=True), 1 / 300),
]


def drawn(initializer, shape=(N_IN, N_OUT), fans=FANS, seed=0):
    return initializer.draw(np.random.default_rng(seed), shape, fans)


def moments_fit(values, variance, kurtosis):
    """Tell whether mean and variance are within five of their standard errors."""
    n = values.size
    mean_error = sqrt(variance / n)
    variance_error = variance * sqrt((kurtosis - 1) / n)
    mean, found = values.mean(), np.square(values).mean()
    return abs(mean) < 5 * mean_error and abs(found - variance) < 5 * variance_error


@pytest.mark.parametrize(("initializer", "variance"), UNIFORM, ids=repr)
def test_uniform_moments_and_bounds(initializer, variance):
    values = drawn(initializer)
    assert moments_fit(values, variance, 9 / 5)
    limit = sqrt(3 * variance)
    assert 0.999 * limit < values.max() <= limit
    assert -limit <= values.min() < -0.999 * limit


@pytest.mark.parametrize(("initializer", "variance"), NORMAL, ids=repr)
def test_normal_moments_and_tails(initializer, variance):
    values = drawn(initializer)
    assert moments_fit(values, variance, 3)
    beyond = np.mean(np.abs(values) > 2 * sqrt(variance))
    assert beyond == pytest.approx(1 - erf(sqrt(2)), abs=5 * sqrt(0.0455 / values.size))


@pytest.mark.parametrize(("initializer", "variance"), TRUNCATED, ids=repr)
def test_truncated_moments_and_bounds(initializer, variance):
    values = drawn(initializer)
    assert moments_fit(values, variance, 3)  # a cut normal's kurtosis is below 3
    limit = 2 * sqrt(variance) / 0.87962566103423978
    assert 0.99 * limit < np.abs(values).max() <= limit
    # Cut, not clipped: nothing heaps up at the bounds.
    assert np.mean(np.abs(values) > 0.999 * limit) < 0.001


def test_the_constant_of_the_cut_is_the_formulas():
    density = exp(-2) / sqrt(2 * pi)
    assert pytest.approx(sqrt(1 - 4 * density / erf(sqrt(2))), rel=1e-15) == STD_AFTER_CUT


def test_by_hand_on_fans_of_a_convolution():
    # 3 x 3 kernel, 2 channels to 4: n_in 18, n_out 36, so 6 / 54 = (1 / 3)**2, 6 / 18, 3 / 18.
    shape, fans = (3, 3, 2, 4), (18, 36)
    for initializer, limit in (
        (GlorotUniform(), 1 / 3),
        (HeUniform(), sqrt(1 / 3)),
        (LecunUniform(), sqrt(1 / 6)),
    ):
        values = np.concatenate(
            [drawn(initializer, shape, fans, seed).ravel() for seed in range(99)]
        )
        assert 0.99 * limit < np.abs(values).max() <= limit


def test_constants():
    np.testing.assert_array_equal(drawn(Zeros(), (2, 3)), [[0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(drawn(Ones(), (2, 3)), [[1, 1, 1], [1, 1, 1]])
    np.testing.assert_array_equal(drawn(Constant(-0.5), (2, 2)), [[-0.5, -0.5], [-0.5, -0.5]])


@pytest.mark.parametrize("cls", mlpk_initializers(), ids=lambda cls: cls.kind)
def test_shape_dtype_and_determinism(cls):
    for example in cls.examples():
        for shape in [(3, 4), (3, 3, 2, 4), *VECTORS.get(cls, [(5,), ()])]:
            values = drawn(example.instance, shape)
            assert isinstance(values, np.ndarray)
            assert values.shape == shape
            assert values.dtype == np.float64
            np.testing.assert_array_equal(values, drawn(example.instance, shape))
            random = not isinstance(example.instance, FIXED)
            assert random == (values != drawn(example.instance, shape, seed=1)).any()


@pytest.mark.parametrize("cls", mlpk_initializers(), ids=lambda cls: cls.kind)
def test_draws_continue_the_stream(cls):
    rng = np.random.default_rng(0)
    for example in cls.examples():
        first, second = (example.instance.draw(rng, (3, 4), (3, 4)) for _ in range(2))
        random = not isinstance(example.instance, FIXED)
        assert random == (first != second).all()


def test_the_hook_brings_all_of_them():
    kinds = [cls.kind for cls in mlpk_initializers()]
    assert kinds == sorted(kinds)
    assert kinds == [
        "constant",
        "gate_constant",
        "glorot_normal",
        "glorot_uniform",
        "he_normal",
        "he_uniform",
        "lecun_normal",
        "lecun_uniform",
        "normal",
        "ones",
        "orthogonal",
        "uniform",
        "zeros",
    ]


@pytest.mark.parametrize(
    ("cls", "fields", "where"),
    [
        (Constant, {}, "constant.value"),
        (Normal, {"std": 0}, "normal.std"),
        (Uniform, {"limit": -1}, "uniform.limit"),
        (Orthogonal, {"gain": 0}, "orthogonal.gain"),
        (HeNormal, {"truncated": 1}, "he_normal.truncated"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(cls, fields, where):
    with pytest.raises(ConfigError) as caught:
        cls(**fields)
    assert caught.value.where == where

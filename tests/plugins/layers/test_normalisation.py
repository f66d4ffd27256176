"""Layer, group and root-mean-square normalisation."""

import math

import numpy as np
import pytest

from mlpk import ConfigError, ShapeError
from mlpk_plugins.layers.group_norm import GroupNorm
from mlpk_plugins.layers.layer_norm import LayerNorm
from mlpk_plugins.layers.rms_norm import RMSNorm

NORMS = [LayerNorm(), LayerNorm(axes=2), GroupNorm(groups=2), GroupNorm(groups=1), RMSNorm()]


def by_loops(x, gamma, beta, eps, dy, places):
    """Return y, dx, dgamma, dbeta; `places` lists the elements that share a mean, a list each.

    The derivative is the plain one: dx_j = sum_i dy_i gamma_i d xhat_i / d x_j.
    """
    y, dx = np.empty(x.shape), np.zeros(x.shape)
    dgamma, dbeta = np.zeros(x.shape), np.zeros(x.shape)
    gamma, beta = (np.broadcast_to(array, x.shape) for array in (gamma, beta))
    for group in places:
        values = [float(x[place]) for place in group]
        m = len(values)
        mean = math.fsum(values) / m
        deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / m + eps)
        xhat = [(v - mean) / deviation for v in values]
        for i, at in enumerate(group):
            y[at] = gamma[at] * xhat[i] + beta[at]
            dgamma[at], dbeta[at] = dy[at] * xhat[i], dy[at]
            for j, by in enumerate(group):
                slope = (float(i == j) - 1 / m - xhat[i] * xhat[j] / m) / deviation
                dx[by] += dy[at] * gamma[at] * slope
    return y, dx, dgamma, dbeta


def last_axes(shape, axes):
    """Return the places of each row of the last axes."""
    return [
        [(*first, *last) for last in np.ndindex(shape[-axes:])]
        for first in np.ndindex(shape[:-axes])
    ]


def channel_groups(shape, groups):
    """Return the places of each group of neighbouring channels in each row."""
    width = shape[-1] // groups
    return [
        [
            (n, *position, channel)
            for position in np.ndindex(shape[1:-1])
            for channel in range(group * width, (group + 1) * width)
        ]
        for n in range(shape[0])
        for group in range(groups)
    ]


def test_layer_norm_by_hand(alone):
    # Mean 4, variance 16: with eps = 9 the deviation is 5; xhat = -+4/5.
    run = alone(LayerNorm(eps=9.0), np.array([[0.0, 8.0]]), gamma=[5.0, 10.0], beta=[0.0, 1.0])
    assert run.forward().tolist() == [[-4.0, 9.0]]
    (dx,) = run.backward(np.array([[1.0, 0.0]]))
    # g = (5, 0), mean(g) = 5/2, mean(g * xhat) = -2: dx = (5/2 - 8/5, -5/2 + 8/5) / 5.
    np.testing.assert_allclose(dx, [[0.18, -0.18]], rtol=1e-14)
    np.testing.assert_allclose(run.grads["gamma"], [-0.8, 0.0], rtol=1e-15)
    assert run.grads["beta"].tolist() == [1.0, 0.0]


def test_group_norm_by_hand(alone):
    # Two groups of two channels: mean 4, variance 16, then mean 2, variance 0.
    x = np.array([[0.0, 8.0, 2.0, 2.0]])
    run = alone(GroupNorm(groups=2, eps=9.0), x, gamma=[5.0] * 4, beta=[0.0, 0.0, 1.0, 2.0])
    assert run.forward().tolist() == [[-4.0, 4.0, 1.0, 2.0]]
    (dx,) = run.backward(np.array([[1.0, 0.0, 3.0, 1.0]]))
    # The second group: g = (15, 5), mean 10, xhat = 0: dx = -+5 / 3.
    np.testing.assert_allclose(dx, [[0.18, -0.18, 5 / 3, -5 / 3]], rtol=1e-14)
    np.testing.assert_allclose(run.grads["gamma"], [-0.8, 0.0, 0.0, 0.0], rtol=1e-15)
    assert run.grads["beta"].tolist() == [1.0, 0.0, 3.0, 1.0]


def test_rms_norm_by_hand(alone):
    # mean(x**2) = (9 + 41) / 2 = 25 without and 36 with eps = 11; xhat = (3, sqrt 41) / 6.
    x = np.array([[3.0, math.sqrt(41)]])
    run = alone(RMSNorm(eps=11.0), x, gamma=[2.0, 0.0])
    np.testing.assert_allclose(run.forward(), [[1.0, 0.0]], rtol=1e-15)
    (dx,) = run.backward(np.array([[3.0, 1.0]]))
    # g = (6, 0), mean(g * xhat) = 3/2: dx = (6 - 3/2 * 1/2, -3/2 * sqrt(41) / 6) / 6.
    np.testing.assert_allclose(dx, [[0.875, -math.sqrt(41) / 24]], rtol=1e-14)
    np.testing.assert_allclose(run.grads["gamma"], [1.5, math.sqrt(41) / 6], rtol=1e-15)


@pytest.mark.parametrize(
    ("layer", "shape", "places"),
    [
        (LayerNorm(), (3, 5), last_axes((3, 5), 1)),
        (LayerNorm(), (2, 4, 3), last_axes((2, 4, 3), 1)),
        (LayerNorm(axes=2), (2, 4, 3), last_axes((2, 4, 3), 2)),
        (LayerNorm(axes=3), (2, 2, 3, 2), last_axes((2, 2, 3, 2), 3)),
        (GroupNorm(groups=3), (2, 6), channel_groups((2, 6), 3)),
        (GroupNorm(groups=2), (2, 3, 4), channel_groups((2, 3, 4), 2)),
        (GroupNorm(groups=1), (3, 2, 2, 3), channel_groups((3, 2, 2, 3), 1)),
        (GroupNorm(groups=4), (2, 3, 2, 4), channel_groups((2, 3, 2, 4), 4)),
    ],
    ids=repr,
)
def test_any_rank_against_loops(layer, shape, places, alone):
    rng = np.random.default_rng(0)
    x, dy = 3 * rng.standard_normal(shape) + 1, rng.standard_normal(shape)
    run = alone(layer, x)
    y = run.forward().copy()
    (dx,) = run.backward(dy)
    gamma, beta = run.arrays["gamma"], run.arrays["beta"]
    *wanted, dgamma, dbeta = by_loops(x, gamma, beta, 1e-5, dy, places)
    axes = tuple(range(x.ndim - gamma.ndim))
    wanted += [dgamma.sum(axes), dbeta.sum(axes)]
    found = (y, dx, run.grads["gamma"], run.grads["beta"])
    for here, there in zip(found, wanted, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-10, atol=1e-12)


def test_groups_of_one_channel_are_instances_and_one_group_is_a_row(alone):
    x = np.random.default_rng(0).standard_normal((2, 6, 3))
    ones, zeros = np.ones(3), np.zeros(3)
    by_channel = alone(GroupNorm(groups=3), x, gamma=ones, beta=zeros).forward()
    deviation = np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(by_channel, (x - x.mean(axis=1, keepdims=True)) / deviation)
    by_row = alone(GroupNorm(groups=1), x, gamma=ones, beta=zeros).forward()
    whole = alone(LayerNorm(axes=2), x, gamma=np.ones((6, 3)), beta=np.zeros((6, 3))).forward()
    np.testing.assert_allclose(by_row, whole, rtol=1e-12)


@pytest.mark.parametrize("layer", [RMSNorm(), RMSNorm(eps=0.5)], ids=repr)
def test_rms_norm_against_einsum(layer, alone):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((4, 3, 5)), rng.standard_normal((4, 3, 5))
    run = alone(layer, x)
    y = run.forward().copy()
    (dx,) = run.backward(dy)
    gamma = run.arrays["gamma"]
    r = np.sqrt(np.einsum("ntc,ntc->nt", x, x) / 5 + layer.eps)
    np.testing.assert_allclose(y, np.einsum("c,ntc,nt->ntc", gamma, x, 1 / r), rtol=1e-12)
    jacobian = np.einsum("cd,nt->ntcd", np.eye(5), 1 / r)
    jacobian -= np.einsum("ntc,ntd,nt->ntcd", x, x, r**-3) / 5  # d xhat_c / d x_d
    np.testing.assert_allclose(dx, np.einsum("ntc,c,ntcd->ntd", dy, gamma, jacobian), rtol=1e-10)
    wanted = np.einsum("ntc,ntc,nt->c", dy, x, 1 / r)
    np.testing.assert_allclose(run.grads["gamma"], wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (LayerNorm(), (20, 1000), (1,)),
        (LayerNorm(axes=2), (5, 40, 50), (1, 2)),
        (GroupNorm(groups=1), (5, 500, 4), (1, 2)),
    ],
    ids=repr,
)
def test_a_mean_large_against_the_deviation_in_float32(layer, shape, axes, alone):
    x = (1e4 + np.random.default_rng(0).standard_normal(shape)).astype("float32")
    declared = layer.declare(shape[1:]).params["gamma"].shape
    y = alone(layer, x, gamma=np.ones(declared), beta=np.zeros(declared)).forward()
    assert y.dtype == np.float32
    exact = x.astype(float)
    wanted = exact - exact.mean(axes, keepdims=True)
    wanted /= np.sqrt(exact.var(axes, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, wanted, atol=1e-5)


def test_a_row_of_one_value_becomes_beta(alone):
    x = np.full((2, 64), 12345.678, "float32")
    for layer in (LayerNorm(), GroupNorm(groups=8)):
        run = alone(layer, x, beta=[0.5] * 64)
        np.testing.assert_allclose(run.forward(), 0.5, atol=1e-5)
        (dx,) = run.backward(x)
        assert np.isfinite(dx).all()


def test_rms_norm_of_zeros_is_zero(alone):
    run = alone(RMSNorm(), np.zeros((2, 3)), gamma=[1.0, 2.0, 3.0])
    assert not run.forward().any()
    (dx,) = run.backward(np.ones((2, 3)))
    np.testing.assert_allclose(dx, [[1e3, 2e3, 3e3]] * 2, rtol=1e-12)  # gamma / sqrt(eps)


@pytest.mark.parametrize("layer", NORMS, ids=repr)
def test_scaling_and_mode_change_little(layer, alone):
    # Where eps is small beside the squares, a row times 1000 gives the same.
    x = 1e3 * np.random.default_rng(0).standard_normal((3, 5, 4))
    run = alone(layer, x)
    y = run.forward().copy()
    np.testing.assert_allclose(alone(layer, 1e3 * x).forward(), y, rtol=1e-6)
    np.testing.assert_array_equal(alone(layer, x, training=False).forward(), y)


def test_what_is_declared():
    declared = LayerNorm(axes=2).declare((None, 4, 3))
    assert declared.output == (None, 4, 3)
    gamma, beta = declared.params["gamma"], declared.params["beta"]
    assert (gamma.shape, gamma.init, gamma.decay) == ((4, 3), "ones", False)
    assert (beta.shape, beta.init, beta.decay) == ((4, 3), "zeros", False)
    declared = GroupNorm(groups=2).declare((None, None, 4))
    assert (declared.output, declared.params["gamma"].shape) == ((None, None, 4), (4,))
    declared = RMSNorm().declare((None, 4))
    assert list(declared.params) == ["gamma"]
    assert not declared.params["gamma"].decay


@pytest.mark.parametrize(
    ("layer", "shape", "problem"),
    [
        (LayerNorm(), (), "wanted 1 or more axes beside the batch, found 0"),
        (LayerNorm(axes=3), (4, 5), "wanted 3 or more axes beside the batch, found 2"),
        (LayerNorm(axes=2), (None, 5), "wanted a known length"),
        (GroupNorm(groups=3), (5, 4), "wanted channels that 3 groups divide, found 4"),
        (GroupNorm(groups=8), (4,), "wanted channels that 8 groups divide, found 4"),
        (GroupNorm(groups=1), (), "wanted an axis of channels"),
        (GroupNorm(groups=1), (4, None), "wanted a known length"),
        (RMSNorm(), (), "wanted an axis of features"),
        (RMSNorm(), (None,), "wanted a known length"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(layer, shape, problem):
    with pytest.raises(ShapeError, match=problem):
        layer.declare(shape)


@pytest.mark.parametrize("norm", [LayerNorm, RMSNorm, GroupNorm])
def test_numbers_out_of_range_are_refused(norm):
    fields = {"groups": 1} if norm is GroupNorm else {}
    with pytest.raises(ConfigError, match=rf"{norm.kind}\.eps"):
        norm(eps=0.0, **fields)
    with pytest.raises(ConfigError, match=r"layer_norm\.axes"):
        LayerNorm(axes=0)
    with pytest.raises(ConfigError, match=r"group_norm\.groups"):
        GroupNorm(groups=0)

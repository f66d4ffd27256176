"""Batch normalisation."""

import math

import numpy as np
import pytest

from mlpk import ConfigError, DataError, Model, ShapeError, blas
from mlpk_plugins.layers.batch_norm import BatchNorm
from mlpk_plugins.layers.parts import blocks

# Channel 0: mean 2, variance 1. Channel 1: mean 4, variance 16 (values 0 and 8).
FIRST = np.array([[1.0, 0.0], [3.0, 8.0]])
# Mean 6 and 0, variance 4 and 0.
SECOND = np.array([[4.0, 0.0], [8.0, 0.0]])


def by_loops(x, gamma, beta, eps, dy):
    """Return y, dx, dgamma, dbeta by the textbook's formulas, channel by channel."""
    y, dx = np.empty_like(x), np.empty_like(x)
    dgamma, dbeta = np.empty_like(gamma), np.empty_like(beta)
    for c in range(x.shape[-1]):
        values, slopes = x[..., c].astype(float), dy[..., c].astype(float)
        deviation = math.sqrt(((values - values.mean()) ** 2).mean() + eps)
        xhat = (values - values.mean()) / deviation
        g = slopes * gamma[c]
        y[..., c] = gamma[c] * xhat + beta[c]
        dx[..., c] = (g - g.mean() - xhat * (g * xhat).mean()) / deviation
        dgamma[c], dbeta[c] = (slopes * xhat).sum(), slopes.sum()
    return y, dx, dgamma, dbeta


def test_training_by_hand(alone):
    # eps = 3 makes the deviations sqrt(1 + 3) = 2 and sqrt(16 + 9) = 5 with eps = 9.
    run = alone(BatchNorm(eps=3.0), FIRST[:, :1], gamma=[10.0], beta=[1.0])
    assert run.forward().tolist() == [[-4.0], [6.0]]  # 10 * (-+1) / 2 + 1
    run = alone(BatchNorm(eps=9.0), FIRST[:, 1:], gamma=[5.0], beta=[0.0])
    assert run.forward().tolist() == [[-4.0], [4.0]]  # 5 * (-+4) / 5
    (dx,) = run.backward(np.array([[1.0], [0.0]]))
    # xhat = -+4/5, g = (5, 0), mean(g) = 5/2, mean(g * xhat) = -2: dx = (5/2 - 8/5, ...) / 5.
    np.testing.assert_allclose(dx, [[0.18], [-0.18]], rtol=1e-14)
    np.testing.assert_allclose(run.grads["gamma"], [-0.8], rtol=1e-15)
    assert run.grads["beta"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("layer", "mean", "var"),
    [
        # 0.9 * (0.9 * 0 + 0.1 * 2) + 0.1 * 6; 0.9 * (0.9 * 1 + 0.1 * 1) + 0.1 * 4; and so on.
        (BatchNorm(), [0.78, 0.36], [1.3, 2.25]),
        (BatchNorm(momentum=0.5), [3.5, 1.0], [2.5, 4.25]),
        (BatchNorm(momentum=0.0), [6.0, 0.0], [4.0, 0.0]),
        (BatchNorm(momentum=1.0), [0.0, 0.0], [1.0, 1.0]),
        # m / (m - 1) = 2: the variances are 2 and 32, then 8 and 0.
        (BatchNorm(momentum=0.5, unbiased_running_var=True), [3.5, 1.0], [4.75, 8.25]),
        (BatchNorm(frozen_stats=True), [0.0, 0.0], [1.0, 1.0]),
    ],
    ids=repr,
)
def test_running_statistics_after_two_batches(layer, mean, var, alone):
    run = alone(layer, FIRST)
    run.forward()
    run.inputs = (SECOND,)
    run.forward()
    np.testing.assert_allclose(run.arrays["running_mean"], mean, rtol=1e-14)
    np.testing.assert_allclose(run.arrays["running_var"], var, rtol=1e-14)


def test_the_unbiased_variance_counts_every_position(alone):
    # Six values with mean 0 and squares that sum to 30: 30 / 6 in the batch, 30 / 5 in the buffer.
    x = np.array([1.0, -1.0, 2.0, -2.0, math.sqrt(10), -math.sqrt(10)]).reshape(2, 3, 1)
    run = alone(BatchNorm(momentum=0.0, unbiased_running_var=True, eps=4.0), x, beta=[0.0])
    y = run.forward()
    np.testing.assert_allclose(y, x * run.arrays["gamma"] / 3, rtol=1e-14)
    np.testing.assert_allclose(run.arrays["running_var"], [6.0], rtol=1e-14)


@pytest.mark.parametrize(
    ("layer", "training"),
    [(BatchNorm(eps=5.0), False), (BatchNorm(eps=5.0, frozen_stats=True), True)],
)
def test_on_running_statistics_by_hand(layer, training, alone):
    run = alone(
        layer,
        FIRST,
        training=training,
        gamma=[6.0, 2.0],
        beta=[1.0, 0.0],
        running_mean=[1.0, 4.0],
        running_var=[4.0, 11.0],
    )
    np.testing.assert_allclose(run.forward(), [[1.0, -2.0], [5.0, 2.0]], rtol=1e-15)
    (dx,) = run.backward(np.array([[1.0, 0.0], [2.0, 4.0]]))
    np.testing.assert_allclose(dx, [[2.0, 0.0], [4.0, 2.0]], rtol=1e-15)  # dy * gamma / deviation
    np.testing.assert_allclose(run.grads["gamma"], [4 / 3, 4.0], rtol=1e-15)
    assert run.grads["beta"].tolist() == [3.0, 4.0]
    assert run.arrays["running_mean"].tolist() == [1.0, 4.0]
    assert run.arrays["running_var"].tolist() == [4.0, 11.0]


SHAPES = [(7, 3), (4, 5, 3), (3, 2, 4, 5), (2, 2, 2, 2, 2), (1, 6, 1)]
# From 128 positions on, those with 8,192 numbers or a few more make a group where that divides
# them: 144 of 576, 8 of 128, all of the few, and none of 521.
GROUPED = [(150, 3), (4, 9, 16, 64), (521, 64), (128, 1100), (2, 64, 3)]


@pytest.mark.parametrize("shape", SHAPES + GROUPED)
def test_any_rank_against_loops(shape, alone):
    rng = np.random.default_rng(0)
    x, dy = 3 * rng.standard_normal(shape) + 1, rng.standard_normal(shape)
    run = alone(BatchNorm(), x)
    y = run.forward().copy()
    (dx,) = run.backward(dy)
    wanted = by_loops(x, run.arrays["gamma"], run.arrays["beta"], 1e-5, dy)
    found = (y, dx, run.grads["gamma"], run.grads["beta"])
    for here, there in zip(found, wanted, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-10, atol=1e-12)


def all_of(run):
    """Return copies of all that a layer alone gives: outputs, gradients, buffers."""
    y = run.forward().copy()
    (dx,) = run.backward(np.random.default_rng(1).standard_normal(y.shape))
    return [y, dx.copy(), *(array.copy() for array in (*run.grads.values(), *run.arrays.values()))]


def shared(run):
    """Return whether three threads were at it."""
    return any(name.startswith("lane 2/") for name in run.ctx._memory)


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("layer", [BatchNorm(), BatchNorm(frozen_stats=True)], ids=repr)
# 18 groups of 160 positions, so that each thread has 6; 19 groups of 170, so that one has 7.
@pytest.mark.parametrize("shape", [(40, 8, 9, 52), (170, 1, 19, 49)])
def test_threads_change_nothing(layer, shape, alone, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 100)
    x = 3 * np.random.default_rng(0).standard_normal(shape) + 1
    run, again, plain = (alone(layer, x) for _ in range(3))
    found = all_of(run)
    assert shared(run)
    for here, there in zip(all_of(again), found, strict=True):
        np.testing.assert_array_equal(here, there)  # from run to run
    monkeypatch.setattr(blas, "threads", lambda: 1)
    for here, there in zip(all_of(plain), found, strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-11, atol=1e-13)
    assert not shared(plain)


@pytest.mark.usefixtures("three_threads")
def test_threads_share_large_images_alone(alone):
    large, small, rows = (12, 64, 64, 16), (2, 64, 64, 16), (12 * 64, 64 * 16)
    for shape, wanted in ((large, True), (small, False), (rows, False)):
        run = alone(BatchNorm(), np.random.default_rng(0).standard_normal(shape))
        run.forward()
        assert shared(run) == wanted, shape


def test_first_positions_unlike_the_others_in_float32(alone):
    """A strip of black pixels in the first image, far from the mean of all."""
    x = (1000 + np.random.default_rng(0).standard_normal((64, 64, 64, 2))).astype(np.float32)
    x[0, 0, :16] = 0
    run = alone(BatchNorm(), x)
    gamma, beta = (run.arrays[name].astype(float) for name in ("gamma", "beta"))
    exact = x.astype(float)
    xhat = (exact - exact.mean((0, 1, 2))) / np.sqrt(exact.var((0, 1, 2)) + 1e-5)
    wanted = gamma * xhat + beta
    assert np.abs(run.forward() - wanted).max() < 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("shape", [(20_000, 3), (50, 20, 20, 3)])
def test_a_mean_large_against_the_deviation_in_float32(shape, alone):
    rng = np.random.default_rng(0)
    x = (1e4 + rng.standard_normal(shape)).astype("float32")
    dy = (x - 1e4 + rng.standard_normal(shape)).astype("float32")
    run = alone(BatchNorm(momentum=0.0), x)
    y = run.forward().copy()
    (dx,) = run.backward(dy)
    gamma, beta = (run.arrays[name].astype(float) for name in ("gamma", "beta"))
    exact = x.astype(float)
    wanted = by_loops(exact, gamma, beta, 1e-5, dy.astype(float))
    found = (y, dx, run.grads["gamma"], run.grads["beta"])
    assert all(array.dtype == np.float32 for array in (*found, *run.arrays.values()))
    for here, there in zip(found, wanted, strict=True):
        scale = max(1, np.abs(there).max())
        assert np.abs(here - there).max() < 1e-5 * scale
    axes = tuple(range(x.ndim - 1))
    np.testing.assert_allclose(run.arrays["running_mean"], exact.mean(axes), rtol=1e-7)
    np.testing.assert_allclose(run.arrays["running_var"], exact.var(axes), rtol=1e-5)


def test_first_values_far_from_the_mean_in_float32(alone):
    """They are what the moments are measured from."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 3)).astype("float32")
    x[:16] += np.array([30.0, -300.0, 3000.0], "float32")
    dy = rng.standard_normal(x.shape).astype("float32")
    run = alone(BatchNorm(momentum=0.0), x)
    y = run.forward().copy()
    (dx,) = run.backward(dy)
    gamma, beta = (run.arrays[name].astype(float) for name in ("gamma", "beta"))
    wanted = by_loops(x.astype(float), gamma, beta, 1e-5, dy.astype(float))
    found = (y, dx, run.grads["gamma"], run.grads["beta"])
    for here, there in zip(found, wanted, strict=True):
        assert np.abs(here - there).max() < 1e-5 * max(1, np.abs(there).max())
    np.testing.assert_allclose(run.arrays["running_mean"], x.astype(float).mean(0), rtol=1e-5)
    np.testing.assert_allclose(run.arrays["running_var"], x.astype(float).var(0), rtol=1e-5)


def test_evaluation_with_a_large_mean_in_float32(alone):
    x = (1e4 + np.random.default_rng(0).standard_normal((500, 2))).astype("float32")
    run = alone(BatchNorm(), x, training=False, running_mean=[1e4] * 2, gamma=[1, 1], beta=[0, 0])
    np.testing.assert_allclose(run.forward(), (x - 1e4) / math.sqrt(1 + 1e-5), atol=1e-6)


def test_a_channel_that_never_changes_becomes_beta(alone):
    run = alone(BatchNorm(), np.full((64, 1), 12345.678, "float32"), beta=[0.5])
    np.testing.assert_allclose(run.forward(), 0.5, atol=1e-6)
    (dx,) = run.backward(np.full((64, 1), 1.0, "float32"))
    np.testing.assert_allclose(dx, 0, atol=1e-3)


def test_rounding_makes_no_variance_negative(alone):
    run = alone(BatchNorm(), np.full((100_003, 1), 7.7e7, "float32"))
    assert np.isfinite(run.forward()).all()
    assert run.arrays["running_var"] >= 0


def test_one_value_a_channel_is_refused_in_training(alone):
    wanted = "wanted at least two values a channel in training, found 1.*drop_last"
    for shape in ((1, 3), (1, 1, 1, 3)):
        with pytest.raises(DataError, match=wanted):
            alone(BatchNorm(), np.zeros(shape)).forward()
    for run in (
        alone(BatchNorm(), np.zeros((1, 3)), training=False),
        alone(BatchNorm(frozen_stats=True), np.zeros((1, 3))),
        alone(BatchNorm(), np.zeros((1, 2, 3))),
    ):
        assert run.forward().shape == run.inputs[0].shape


@pytest.mark.parametrize(
    ("layer", "x", "rows"),
    [
        (BatchNorm(), (3,), 2),
        (BatchNorm(), (1, 1, 3), 2),
        (BatchNorm(), (None, 3), 2),
        (BatchNorm(), (2, 3), 1),
        (BatchNorm(), (None, 2, 3), 1),
        (BatchNorm(frozen_stats=True), (3,), 1),
    ],
)
def test_the_rows_that_a_batch_needs(layer, x, rows):
    assert layer.declare(x).min_rows == rows


def test_what_is_declared():
    declared = BatchNorm().declare((None, 4))
    assert declared.output == (None, 4)
    gamma, beta = declared.params["gamma"], declared.params["beta"]
    assert (gamma.shape, gamma.init, gamma.decay, gamma.trainable) == ((4,), "ones", False, True)
    assert (beta.shape, beta.init, beta.decay, beta.trainable) == ((4,), "zeros", False, True)
    mean, var = declared.buffers["running_mean"], declared.buffers["running_var"]
    assert (mean.shape, mean.fill, var.shape, var.fill) == ((4,), 0.0, (4,), 1.0)
    with pytest.raises(ShapeError, match="wanted a known length"):
        BatchNorm().declare((4, None))
    with pytest.raises(ShapeError, match="wanted an axis of channels"):
        BatchNorm().declare(())


def test_untrainable_parameters_still_have_gradients(alone):
    layer = BatchNorm(trainable=False)
    params = layer.declare((2,)).params
    assert not params["gamma"].trainable
    assert not params["beta"].trainable
    still, moving = (alone(made, FIRST) for made in (layer, BatchNorm()))
    for run in (still, moving):
        run.forward()
        run.backward(SECOND)
    assert still.grads["gamma"].any()
    for name, grad in moving.grads.items():
        np.testing.assert_array_equal(still.grads[name], grad)


@pytest.mark.parametrize(
    "fields", [{"momentum": -0.1}, {"momentum": 1.1}, {"eps": 0.0}, {"eps": -1e-5}]
)
def test_numbers_out_of_range_are_refused(fields):
    with pytest.raises(ConfigError, match=f"batch_norm.{next(iter(fields))}"):
        BatchNorm(**fields)


def test_going_back_with_running_statistics_after_another_pass_trained():
    model = Model(["batch_norm"], input_shape=(1,), dtype="float64")
    evaluating, training = model.new_pass(), model.new_pass()
    evaluating.forward({"input": FIRST[:, :1]}, training=False)  # mean 0, variance 1
    training.forward({"input": SECOND[:, :1]}, training=True)
    evaluating.backward({"batch_norm": np.array([[1.0], [2.0]])})
    # sum(dy * x) / sqrt(1 + eps), x = (1, 3)
    assert model.grads["batch_norm/gamma"].tolist() == pytest.approx([7 / math.sqrt(1 + 1e-5)])

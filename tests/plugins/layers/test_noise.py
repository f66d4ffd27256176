"""Gaussian noise and spatial dropout."""

import numpy as np
import pytest

from mlpk import ConfigError, Context, ShapeError
from mlpk_plugins.layers.gaussian_noise import GaussianNoise
from mlpk_plugins.layers.spatial_dropout import SpatialDropout


class Unasked(Context):
    """A context from which nobody may draw."""

    @property
    def rng(self) -> np.random.Generator:
        raise AssertionError("a random number was drawn")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_is_added_with_mean_0_and_its_deviation(dtype, alone):
    x = np.full((500, 200), 7.0, dtype)
    run = alone(GaussianNoise(std=3.0), x)
    noise = run.forward() - x
    assert noise.dtype == dtype
    # 100,000 draws: within 5 deviations of the mean, 1 / sqrt(n), and of the variance, sqrt(2 / n).
    assert abs(noise.mean() / 3) < 5 / np.sqrt(x.size)
    assert abs((noise.astype(float) ** 2).mean() / 9 - 1) < 5 * np.sqrt(2 / x.size)
    # A normal variable stays within one deviation with probability 0.6827.
    assert abs((np.abs(noise) < 3).mean() - 0.6827) < 5 * np.sqrt(0.6827 * 0.3173 / x.size)
    (dx,) = run.backward(x)
    np.testing.assert_array_equal(dx, x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_channels_of_a_row_are_dropped_and_the_rest_scaled(dtype, alone):
    x = np.full((60, 3, 4, 20), 3.0, dtype)
    run = alone(SpatialDropout(rate=0.75), x)
    y = run.forward().copy()
    assert y.dtype == dtype
    assert set(np.unique(y)) == {0.0, 12.0}  # 3 / (1 - 3/4)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    # 1,200 draws, one a row and channel.
    assert abs((y[:, 0, 0] != 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 1200)
    (dx,) = run.backward(np.full_like(x, 5.0))
    assert dx.dtype == dtype
    np.testing.assert_array_equal(dx, np.where(y == 0, 0, 20))


@pytest.mark.parametrize("layer", [GaussianNoise(std=1.0), SpatialDropout(rate=0.5)], ids=repr)
def test_a_step_and_a_seed_fix_what_is_drawn(layer, alone):
    x = np.ones((4, 2, 50))
    first, again, other = (alone(layer, x, seed=seed) for seed in (1, 1, 2))
    drawn = first.forward().copy()
    np.testing.assert_array_equal(again.forward(), drawn)
    assert (other.forward() != drawn).any()
    first.ctx.begin(1, training=True)
    assert (first.forward() != drawn).any()


@pytest.mark.parametrize(
    ("layer", "training"),
    [
        (GaussianNoise(std=0.5), False),
        (GaussianNoise(std=0.0), True),
        (SpatialDropout(rate=0.5), False),
        (SpatialDropout(rate=0.0), True),
    ],
)
def test_nothing_happens_and_nothing_is_drawn(layer, training):
    x = np.arange(12.0).reshape(2, 3, 2)
    ctx = Unasked("float64", training=training)
    y, saved = layer.forward({}, ctx, x)
    np.testing.assert_array_equal(y, np.arange(12.0).reshape(2, 3, 2))
    np.testing.assert_array_equal(layer.backward({}, ctx, saved, -x, {}), -x)


def test_fields_out_of_range_are_refused():
    with pytest.raises(ConfigError, match=r"gaussian_noise.std"):
        GaussianNoise(std=-0.1)
    for rate in (-0.1, 1.0):
        with pytest.raises(ConfigError, match=r"spatial_dropout.rate"):
            SpatialDropout(rate=rate)


def test_shapes_and_meaning():
    for layer in (GaussianNoise(std=1.0), SpatialDropout(rate=0.5)):
        assert layer.gives == "same"
        assert layer.declare((None, 3)).output == (None, 3)
    assert GaussianNoise(std=1.0).declare(()).output == ()
    with pytest.raises(ShapeError, match=r"found \(3,\); 'dropout' leaves out single values"):
        SpatialDropout(rate=0.5).declare((3,))

"""Dropout."""

import numpy as np
import pytest

from mlpk import ConfigError, Context
from mlpk_plugins.layers.dropout import Dropout


class Unasked(Context):
    """A context from which nobody may draw."""

    @property
    def rng(self) -> np.random.Generator:
        raise AssertionError("a random number was drawn")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kept_values_are_scaled_and_so_are_their_gradients(dtype, alone):
    x = np.full((50, 40), 3.0, dtype)
    run = alone(Dropout(rate=0.75), x)
    y = run.forward().copy()
    assert y.dtype == dtype
    assert set(np.unique(y)) == {0.0, 12.0}  # 3 / (1 - 3/4)
    (dx,) = run.backward(np.full_like(x, 5.0))
    assert dx.dtype == dtype
    np.testing.assert_array_equal(dx, np.where(y == 0, 0, 20))


def test_the_rate_is_that_of_dropping_and_the_mean_stays(alone):
    # 100,000 draws: the share that is kept lies within 5 deviations, sqrt(0.3 * 0.7 / n), of 0.7.
    y = alone(Dropout(rate=0.3), np.ones((1000, 100))).forward()
    bound = 5 * np.sqrt(0.3 * 0.7 / y.size)
    assert abs(np.count_nonzero(y) / y.size - 0.7) < bound
    assert abs(y.mean() - 1) < bound / 0.7


def test_a_step_and_a_seed_fix_the_mask(alone):
    x = np.ones((4, 50))
    first, again, other = (alone(Dropout(rate=0.5), x, seed=seed) for seed in (1, 1, 2))
    mask = first.forward().copy()
    np.testing.assert_array_equal(again.forward(), mask)
    assert (other.forward() != mask).any()
    first.ctx.step = 1
    assert (first.forward() != mask).any()


@pytest.mark.parametrize(("rate", "training"), [(0.5, False), (0.0, True), (0.0, False)])
def test_nothing_happens_and_nothing_is_drawn(rate, training):
    x = np.arange(6.0).reshape(2, 3)
    layer, ctx = Dropout(rate=rate), Unasked("float64", training=training)
    y, saved = layer.forward({}, ctx, x)
    np.testing.assert_array_equal(y, np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(layer.backward({}, ctx, saved, -x, {}), -x)


def test_the_highest_rate_is_one_that_float32_can_draw():
    rate = 1 - 2.0**-24
    assert np.float32(rate) < 1
    assert Dropout(rate=rate).rate == rate


@pytest.mark.parametrize("rate", [-0.1, 1 - 2.0**-25, 1.0, 1.5])
def test_the_rate_lies_in_0_to_1(rate):
    with pytest.raises(ConfigError, match=r"dropout.rate: wanted the share of .* to leave out"):
        Dropout(rate=rate)


def test_it_says_what_its_input_says():
    assert Dropout(rate=0.5).gives == "same"
    assert Dropout(rate=0.5).declare((None, 3)).output == (None, 3)

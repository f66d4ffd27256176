import math

import mlpk
import numpy as np
import pytest

from mlpk_attention import LearnedPositions, PositionalEncoding


def alone(layer, shape, dtype="float64"):
    return mlpk.Model([layer], input_shape=shape, dtype=dtype, seed=0)


def test_sinusoids_by_hand():
    """Width 4, base 100: angles t and t / 10."""
    y = alone(PositionalEncoding(base=100.0), (3, 4)).predict(np.zeros((1, 3, 4)))
    wanted = [[math.sin(t), math.cos(t), math.sin(t / 10), math.cos(t / 10)] for t in range(3)]
    np.testing.assert_allclose(y[0], wanted, atol=1e-15)


@pytest.mark.parametrize("width", [1, 2, 5, 16])
def test_sinusoids_of_any_width(width):
    y = alone(PositionalEncoding(), (None, width)).predict(np.ones((2, 50, width)))
    for t, i in np.ndindex(50, width):
        angle = t / 10000 ** ((i - i % 2) / width)
        wanted = 1 + (math.cos(angle) if i % 2 else math.sin(angle))
        assert y[:, t, i] == pytest.approx(wanted, abs=1e-12)


def test_sinusoids_keep_their_digits_far_out():
    """Of angles near 10,000, float32 knows three digits behind the point."""
    model = alone(PositionalEncoding(base=9.0), (None, 4), "float32")
    y = model.predict(np.zeros((1, 20_000, 4)))
    t = np.arange(20_000)
    wanted = [np.sin(t), np.cos(t), np.sin(t / 3), np.cos(t / 3)]
    np.testing.assert_allclose(y[0], np.stack(wanted, axis=1), atol=6e-8)


def test_a_base_has_to_be_positive():
    with pytest.raises(mlpk.ConfigError, match="base"):
        PositionalEncoding(base=0.0)


def test_learned_positions_are_added_and_learned():
    rng = np.random.default_rng(0)
    model = alone(LearnedPositions(max_length=5), (None, 2))
    weight = model.params["learned_positions/weight"]
    assert weight.shape == (5, 2)
    assert LearnedPositions(max_length=5).declare((3, 2)).positions == (0,)
    x = rng.standard_normal((4, 3, 2))
    np.testing.assert_array_equal(model.forward(x, training=True), x + weight[:3])
    dy = rng.standard_normal(x.shape)
    np.testing.assert_array_equal(model.backward(dy, inputs=True), dy)
    wanted = [*np.einsum("ntf->tf", dy), [0, 0], [0, 0]]
    np.testing.assert_allclose(model.grads["learned_positions/weight"], wanted, atol=1e-15)


def test_longer_sequences_than_learned_are_refused():
    message = "wanted at most 5 steps, found 6; raise max_length"
    with pytest.raises(mlpk.ShapeError, match=message):
        LearnedPositions(max_length=5).declare((6, 2))
    model = alone(LearnedPositions(max_length=5), (None, 2))
    with pytest.raises(mlpk.ShapeError, match=message):
        model.predict(np.zeros((1, 6, 2)))


@pytest.mark.parametrize("layer", [PositionalEncoding(), LearnedPositions(max_length=9)])
@pytest.mark.parametrize("shape", [(3,), (3, 2, 2), (3, None)])
def test_only_sequences_have_positions(layer, shape):
    with pytest.raises(mlpk.ShapeError, match="wanted a"):
        layer.declare(shape)

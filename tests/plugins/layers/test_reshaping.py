"""Flatten, reshape and identity."""

import numpy as np
import pytest

from mlpk import ConfigError, ShapeError
from mlpk_plugins.layers.flatten import Flatten
from mlpk_plugins.layers.identity import Identity
from mlpk_plugins.layers.reshape import Reshape

X = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("layer", "x", "output"),
    [
        (Flatten(), (3, 4), (12,)),
        (Flatten(), (), (1,)),
        (Identity(), (None, 4), (None, 4)),
        (Reshape(shape=(4, 3)), (3, 4), (4, 3)),
        (Reshape(shape=(2, -1)), (3, 4), (2, 6)),
        (Reshape(shape=(None, 2, 2)), (3, 4), (3, 2, 2)),
        (Reshape(shape=(-1,)), (3, 4), (12,)),
        (Reshape(shape=()), (1,), ()),
        (Reshape(shape=(-1, 2)), (None, 4), (None, 2)),
    ],
)
def test_declared_shapes(layer, x, output):
    assert layer.declare(x).output == output
    assert layer.gives == "same"


def test_unknown_lengths_are_refused_where_the_number_counts():
    for layer in (Flatten(), Reshape(shape=(4, 3))):
        with pytest.raises(ShapeError, match="wanted a known length"):
            layer.declare((None, 4))


@pytest.mark.parametrize("shape", [(5, 2), (-1, 5), (5, None)])
def test_a_shape_that_does_not_hold_the_numbers_is_refused(shape):
    with pytest.raises(ShapeError, match=r"wanted 12 numbers a row, as in the input's \(3, 4\)"):
        Reshape(shape=shape).declare((3, 4))


@pytest.mark.parametrize("shape", [(-1, None), (-1, -1), (0, 3), (-2,)])
def test_a_shape_that_means_nothing_is_refused(shape):
    with pytest.raises(ConfigError, match=r"reshape.shape"):
        Reshape(shape=shape)


@pytest.mark.parametrize("layer", [Flatten(), Reshape(shape=(4, -1)), Identity()], ids=repr)
def test_numbers_keep_their_order_and_are_not_copied(layer, alone):
    run = alone(layer, X)
    y = run.forward()
    assert y.ravel().tolist() == list(range(24))
    assert np.shares_memory(y, X)
    dy = -y
    (dx,) = run.backward(dy)
    np.testing.assert_array_equal(dx, -X)
    assert np.shares_memory(dx, dy)


def test_c_order_also_for_transposed_input(alone):
    run = alone(Flatten(), np.array([[[1.0, 2.0], [3.0, 4.0]]]).transpose(0, 2, 1))
    assert run.forward().tolist() == [[1.0, 3.0, 2.0, 4.0]]
    (dx,) = run.backward(np.array([[1.0, 3.0, 2.0, 4.0]]))
    assert dx.tolist() == [[[1.0, 3.0], [2.0, 4.0]]]


def test_an_open_length_follows_the_data(alone):
    for length in (2, 6):
        run = alone(Reshape(shape=(-1, 8)), np.zeros((3, length, 4)))
        assert run.forward().shape == (3, length // 2, 8)
    # 2 rows of 3 * 4 numbers would fill 3 times 8, but not row by row.
    run.inputs = (X,)
    with pytest.raises(ShapeError, match="wanted 12 numbers a row"):
        run.forward()

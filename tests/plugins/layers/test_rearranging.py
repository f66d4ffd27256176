"""Permute and repeat."""

from itertools import permutations

import numpy as np
import pytest

from mlpk import ConfigError, ShapeError
from mlpk_plugins.layers.permute import Permute
from mlpk_plugins.layers.repeat import Repeat

X = np.arange(48.0).reshape(2, 2, 3, 4)


def test_permute_by_hand(alone):
    run = alone(Permute(axes=(2, 1)), np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]))
    assert run.forward().tolist() == [[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]]
    (dx,) = run.backward(np.array([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]))
    assert dx.tolist() == [[[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]]


@pytest.mark.parametrize("axes", list(permutations((1, 2, 3))))
def test_permute_against_indices(axes, alone):
    run = alone(Permute(axes=axes), X)
    y = run.forward()
    assert run.declaration.output == y.shape[1:]
    assert y.flags.c_contiguous
    for place in np.ndindex(X.shape):
        assert y[(place[0], *(place[axis] for axis in axes))] == X[place]
    (dx,) = run.backward(y.copy())
    np.testing.assert_array_equal(dx, X)


def test_permute_keeps_what_is_unknown_and_checks_the_rank():
    assert Permute(axes=(3, 1, 2)).declare((None, 5, 4)).output == (4, None, 5)
    assert Permute(axes=()).declare(()).output == ()
    with pytest.raises(ShapeError, match=r"wanted 2 axes beside the batch.*found \(3, 4, 5\)"):
        Permute(axes=(2, 1)).declare((3, 4, 5))


@pytest.mark.parametrize("axes", [(0, 1), (1, 1), (1, 3), (-1, 1), (2,)])
def test_permute_refuses_what_is_no_permutation(axes):
    with pytest.raises(ConfigError, match=r"permute.axes"):
        Permute(axes=axes)


def test_repeat_by_hand(alone):
    run = alone(Repeat(times=3), np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert run.forward().tolist() == [[[1.0, 2.0]] * 3, [[3.0, 4.0]] * 3]
    dy = np.array([[[1.0, 0.0], [2.0, 0.0], [4.0, 8.0]], [[0.0, 0.0], [0.0, 5.0], [0.0, 0.0]]])
    assert run.backward(dy)[0].tolist() == [[7.0, 8.0], [0.0, 5.0]]


def test_repeat_takes_any_shape_and_at_least_once(alone):
    assert Repeat(times=2).declare((None, 4)).output == (2, None, 4)
    assert Repeat(times=5).declare(()).output == (5,)
    y = alone(Repeat(times=2), X).forward()
    np.testing.assert_array_equal(y[:, 1], X)
    with pytest.raises(ConfigError, match=r"repeat.times"):
        Repeat(times=0)


def test_what_they_say_is_what_their_input_says():
    assert Repeat(times=2).gives == Permute(axes=(2, 1)).gives == "same"

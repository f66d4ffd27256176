"""Add, multiply and concatenate."""

import numpy as np
import pytest

from mlpk import ConfigError, ShapeError
from mlpk_plugins.layers.add import Add
from mlpk_plugins.layers.concatenate import Concatenate
from mlpk_plugins.layers.multiply import Multiply

A = np.array([[1.0, 2.0], [3.0, 4.0]])
B = np.array([[10.0, 0.0], [-1.0, 0.5]])
C = np.array([[2.0, 3.0], [4.0, 0.0]])
DY = np.array([[1.0, 2.0], [3.0, 4.0]])


def test_add_by_hand(alone):
    run = alone(Add(), A, B, C)
    assert run.forward().tolist() == [[13.0, 5.0], [6.0, 4.5]]
    for dx in run.backward(DY):
        np.testing.assert_array_equal(dx, DY)


def test_multiply_by_hand_with_zeros(alone):
    run = alone(Multiply(), A, B, C)
    assert run.forward().tolist() == [[20.0, 0.0], [-12.0, 0.0]]
    da, db, dc = run.backward(DY)
    assert da.tolist() == [[20.0, 0.0], [-12.0, 0.0]]  # dy b c
    assert db.tolist() == [[2.0, 12.0], [36.0, 0.0]]  # dy a c
    assert dc.tolist() == [[10.0, 0.0], [-9.0, 8.0]]  # dy a b


@pytest.mark.parametrize("layer", [Add(), Multiply(), Concatenate()], ids=repr)
def test_gradients_go_only_where_they_are_asked_for(layer, alone):
    run = alone(layer, A, B, C, needs=(False, True, False))
    first, second, third = run.backward(np.ones_like(run.forward()))
    assert first is None
    assert second.shape == B.shape
    assert third is None


def test_one_array_as_both_inputs(alone):
    run = alone(Multiply(), A, A)
    assert run.forward().tolist() == [[1.0, 4.0], [9.0, 16.0]]
    assert sum(run.backward(np.ones((2, 2)))).tolist() == [[2.0, 4.0], [6.0, 8.0]]


@pytest.mark.parametrize("layer", [Add(), Multiply()], ids=repr)
def test_shapes_must_agree(layer):
    assert layer.declare((2, 3), (2, 3), (2, 3)).output == (2, 3)
    assert layer.declare((None, 3), (5, 3)).output == (5, 3)
    assert layer.declare((5, 3), (None, 3)).output == (5, 3)
    assert layer.declare((None, None), (None, 3)).output == (None, 3)
    with pytest.raises(ShapeError, match=r"found \(2, 3\) and, as input 2, \(1, 3\)"):
        layer.declare((2, 3), (1, 3))
    with pytest.raises(ShapeError, match=r"found \(2, 3\) and, as input 3, \(3,\)"):
        layer.declare((2, 3), (2, 3), (3,))
    with pytest.raises(ShapeError, match=r"as input 3, \(4, 3\)"):
        layer.declare((None, 3), (5, 3), (4, 3))
    for inputs in ((), ((2, 3),)):
        with pytest.raises(ShapeError, match=f"two or more inputs, found {len(inputs)}"):
            layer.declare(*inputs)


@pytest.mark.parametrize("layer", [Add(), Multiply()], ids=repr)
def test_nothing_is_broadcast_where_lengths_were_unknown(layer, alone):
    run = alone(layer, np.zeros((2, 5, 3)), np.zeros((2, 5, 3)))
    run.inputs = (np.zeros((2, 5, 3)), np.zeros((2, 1, 3)))
    with pytest.raises(ShapeError, match=r"found \(2, 5, 3\) and, as input 2, \(2, 1, 3\)"):
        run.forward()


def test_concatenate_by_hand(alone):
    run = alone(Concatenate(), A, B[:, :1])
    assert run.forward().tolist() == [[1.0, 2.0, 10.0], [3.0, 4.0, -1.0]]
    first, second = run.backward(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    assert first.tolist() == [[1.0, 2.0], [4.0, 5.0]]
    assert second.tolist() == [[3.0], [6.0]]


@pytest.mark.parametrize("axis", [1, -2])
def test_concatenate_along_time(axis, alone):
    x, y = np.zeros((2, 3, 4)), np.ones((2, 5, 4))
    run = alone(Concatenate(axis=axis), x, y)
    joined = run.forward()
    assert joined.shape == (2, 8, 4)
    assert not joined[:, :3].any()
    assert joined[:, 3:].all()
    dx, dy = run.backward(joined)
    np.testing.assert_array_equal(dx, x)
    np.testing.assert_array_equal(dy, y)


@pytest.mark.parametrize(
    ("axis", "inputs", "output"),
    [
        (-1, [(2,), (3,)], (5,)),
        (1, [(2,), (3,), (4,)], (9,)),
        (2, [(5, 2), (5, 3)], (5, 5)),
        (-1, [(None, 2), (4, 3)], (4, 5)),
        (1, [(None, 2), (4, 2)], (None, 2)),
    ],
)
def test_concatenated_shapes(axis, inputs, output):
    assert Concatenate(axis=axis).declare(*inputs).output == output


def test_concatenate_refuses_what_does_not_fit():
    with pytest.raises(ConfigError, match=r"concatenate.axis: 0 is the batch"):
        Concatenate(axis=0)
    for axis in (3, -3):
        with pytest.raises(ShapeError, match=f"wanted axis 1 to 2 or -2 to -1, found {axis}"):
            Concatenate(axis=axis).declare((2, 3), (2, 3))
    with pytest.raises(ShapeError, match="wanted inputs with an axis beside the batch"):
        Concatenate().declare((), ())
    with pytest.raises(ShapeError, match=r"found \(2, 3\) and, as input 2, \(4, 3\)"):
        Concatenate().declare((2, 3), (4, 3))
    with pytest.raises(ShapeError, match="two or more inputs, found 1"):
        Concatenate().declare((2, 3))

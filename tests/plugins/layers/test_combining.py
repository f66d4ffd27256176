"""Subtract, average, maximum and dot."""

import numpy as np
import pytest

from mlpk import ConfigError, ShapeError
from mlpk_plugins.layers.average import Average
from mlpk_plugins.layers.concatenate import Concatenate
from mlpk_plugins.layers.dot import Dot
from mlpk_plugins.layers.maximum import Maximum
from mlpk_plugins.layers.subtract import Subtract

A = np.array([[1.0, 2.0], [3.0, 4.0]])
B = np.array([[10.0, 0.0], [-1.0, 0.5]])
C = np.array([[1.0, 4.0], [4.0, 4.5]])
DY = np.array([[6.0, 12.0], [3.0, 9.0]])


def test_subtract_by_hand(alone):
    run = alone(Subtract(), A, B)
    assert run.forward().tolist() == [[-9.0, 2.0], [4.0, 3.5]]
    da, db = run.backward(DY)
    np.testing.assert_array_equal(da, DY)
    np.testing.assert_array_equal(db, -DY)


def test_subtract_takes_two():
    for inputs in (((2,),), ((2,), (2,), (2,))):
        with pytest.raises(TypeError):
            Subtract().declare(*inputs)


def test_average_by_hand(alone):
    run = alone(Average(), A, B, C)
    np.testing.assert_allclose(run.forward(), [[4.0, 2.0], [2.0, 3.0]], rtol=1e-15)
    for dx in run.backward(DY):
        np.testing.assert_allclose(dx, [[2.0, 4.0], [1.0, 3.0]], rtol=1e-15)
    assert Average().gives == "same"


def test_maximum_by_hand_with_ties(alone):
    x = [np.array([[1.0, 5.0, 2.0, 7.0]]), np.array([[3.0, 5.0, 2.0, 0.0]])]
    run = alone(Maximum(), *x, np.array([[0.0, 1.0, 2.0, -1.0]]))
    assert run.forward().tolist() == [[3.0, 5.0, 2.0, 7.0]]
    da, db, dc = run.backward(np.array([[6.0, 6.0, 6.0, 6.0]]))
    assert da.tolist() == [[0.0, 3.0, 2.0, 6.0]]
    assert db.tolist() == [[6.0, 3.0, 2.0, 0.0]]
    assert dc.tolist() == [[0.0, 0.0, 2.0, 0.0]]


def test_maximum_passes_nan_on_without_a_warning(alone):
    run = alone(Maximum(), np.array([[np.nan, 1.0]]), np.array([[0.0, 2.0]]))
    y = run.forward()
    assert np.isnan(y[0, 0])
    assert [dx[0, 1] for dx in run.backward(np.ones((1, 2)))] == [0.0, 1.0]


@pytest.mark.parametrize("layer", [Subtract(), Average(), Maximum()], ids=repr)
def test_shapes_must_agree(layer, alone):
    assert layer.declare((None, 3), (5, 3)).output == (5, 3)
    with pytest.raises(ShapeError, match=r"found \(2, 3\) and, as input 2, \(1, 3\)"):
        layer.declare((2, 3), (1, 3))
    run = alone(layer, np.zeros((2, 5, 3)), np.zeros((2, 5, 3)))
    run.inputs = (np.zeros((2, 5, 3)), np.zeros((2, 1, 3)))
    with pytest.raises(ShapeError, match=r"found \(2, 5, 3\) and, as input 2, \(2, 1, 3\)"):
        run.forward()


@pytest.mark.parametrize("layer", [Average(), Maximum()], ids=repr)
def test_merging_takes_two_or_more(layer):
    for inputs in ((), ((2, 3),)):
        with pytest.raises(ShapeError, match=f"two or more inputs, found {len(inputs)}"):
            layer.declare(*inputs)


@pytest.mark.parametrize("layer", [Subtract(), Average(), Maximum(), Dot()], ids=repr)
def test_gradients_go_only_where_they_are_asked_for(layer, alone):
    run = alone(layer, A, B, needs=(False, True))
    first, second = run.backward(np.ones_like(run.forward()))
    assert first is None
    assert second.shape == B.shape


def test_dot_of_vectors_by_hand(alone):
    run = alone(Dot(), A, B)
    assert run.forward().tolist() == [[10.0], [-1.0]]  # 1 * 10 + 2 * 0, 3 * -1 + 4 * 1/2
    da, db = run.backward(np.array([[2.0], [10.0]]))
    assert da.tolist() == [[20.0, 0.0], [-10.0, 5.0]]
    assert db.tolist() == [[2.0, 4.0], [30.0, 40.0]]


DOTS = [
    (-1, (4,), (4,), "nk,nk->n"),
    (-1, (3, 4), (5, 4), "nik,njk->nij"),
    (2, (3, 4), (5, 4), "nik,njk->nij"),
    (1, (4, 3), (4, 5), "nki,nkj->nij"),
    ((2, 1), (3, 4), (4, 5), "nik,nkj->nij"),
    ((-1, 1), (4,), (4, 5), "nk,nkj->nj"),
    ((1, 2), (4, 3, 2), (5, 4, 1), "nkih,njkg->nihjg"),
    ((-2, -1), (3, 4, 2), (4,), "nikh,nk->nih"),
]


@pytest.mark.parametrize(("axes", "first", "second", "product"), DOTS)
def test_dot_against_einsum(axes, first, second, product, alone):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, *first)), rng.standard_normal((3, *second))
    run = alone(Dot(axes=axes), a, b)
    wanted = np.einsum(product, a, b)
    y = run.forward()
    np.testing.assert_allclose(y, wanted.reshape(y.shape), rtol=1e-12, atol=1e-14)
    assert run.declaration.output == (wanted.shape[1:] or (1,))
    dy = rng.standard_normal(wanted.shape)
    da, db = run.backward(dy.reshape(y.shape))
    ins, out = product.split("->")
    of_a, of_b = ins.split(",")
    np.testing.assert_allclose(da, np.einsum(f"{out},{of_b}->{of_a}", dy, b), atol=1e-13)
    np.testing.assert_allclose(db, np.einsum(f"{out},{of_a}->{of_b}", dy, a), atol=1e-13)


def test_dot_lets_unknown_lengths_through():
    assert Dot().declare((None, 4), (5, 4)).output == (None, 5)
    assert Dot(axes=(2, 1)).declare((3, None), (7, 2)).output == (3, 2)


def test_dot_refuses_what_does_not_fit(alone):
    for axes in (3, -3, (1, 3), (1, -3)):
        with pytest.raises(ShapeError, match=r"wanted one of the 2 axes of input [12] behind"):
            Dot(axes=axes).declare((4, 4), (4, 4))
    with pytest.raises(ShapeError, match="wanted one of the 0 axes of input 2"):
        Dot().declare((4,), ())
    with pytest.raises(ShapeError, match=r"\(2, 4\) and \(2, 3\), found 4 and 3"):
        Dot().declare((2, 4), (2, 3))
    run = alone(Dot(), np.zeros((2, 4)), np.zeros((2, 4)))
    run.inputs = (np.zeros((2, 4)), np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="found 4 and 3"):
        run.forward()


@pytest.mark.parametrize(("layer", "field"), [(Dot, "axes"), (Concatenate, "axis")])
def test_the_batch_is_no_axis_to_work_along(layer, field):
    for axes in (0, (0, 1), (1, 0)) if layer is Dot else (0,):
        wanted = rf"^{layer.kind}.{field}: .*0 is the batch; count from 1, or from the end with -1"
        with pytest.raises(ConfigError, match=wanted):
            layer(**{field: axes})

"""Pools of real sizes: in pieces, among threads, however arrays lie in memory."""

import numpy as np
import pytest

from mlpk import blas
from mlpk_plugins.layers.average_pool1d import AveragePool1D
from mlpk_plugins.layers.average_pool2d import AveragePool2D
from mlpk_plugins.layers.global_average_pool2d import GlobalAveragePool2D
from mlpk_plugins.layers.global_max_pool2d import GlobalMaxPool2D
from mlpk_plugins.layers.max_pool2d import MaxPool2D
from mlpk_plugins.layers.parts import grid


def test_the_largest_of_many_pieces(alone, drawn):
    x, dy = drawn(9, 90, 80, 8), drawn(9, 8, seed=1)
    run = alone(GlobalMaxPool2D(), x)
    assert np.array_equal(run.forward(), x.max((1, 2)))
    wanted = (x == x.max((1, 2), keepdims=True)) * dy[:, None, None]
    assert np.array_equal(run.backward(dy)[0], wanted)


REAL = [
    (AveragePool2D(3, strides=2, padding="same"), (40, 40, 8)),
    (AveragePool2D(2), (120, 100, 16)),
    (AveragePool1D(5, strides=2, padding=2), (3000, 16)),
    (GlobalAveragePool2D(), (30, 20, 16)),
]


@pytest.mark.parametrize(("layer", "shape"), REAL, ids=repr)
def test_backward_is_adjoint_at_a_real_size(layer, shape, alone, drawn):
    run = alone(layer, drawn(5, *shape))
    y = run.forward()
    dy = drawn(*y.shape, seed=1)
    (dx,) = run.backward(dy)
    assert np.vdot(run.inputs[0], dx) == pytest.approx(np.vdot(y, dy), rel=1e-10)


POOLS = [
    MaxPool2D(2),
    MaxPool2D(3, strides=2, padding="same"),
    AveragePool2D(2),
    AveragePool2D(3, strides=2, padding="same"),
    GlobalMaxPool2D(),
    GlobalAveragePool2D(),
]


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("layer", [POOLS[0], POOLS[1], POOLS[3]], ids=repr)
def test_threads_change_nothing(layer, alone, monkeypatch, drawn):
    monkeypatch.setattr(grid, "PIECE", 2**14)
    run, plain = (alone(layer, drawn(8, 17, 16, 6)) for _ in range(2))
    y, dy = run.forward().copy(), drawn(*run.forward().shape, seed=1)
    (dx,) = run.backward(dy)
    assert any(name.startswith("lane 2/") for name in run.ctx._memory)  # all three were at it
    monkeypatch.setattr(blas, "threads", lambda: 1)
    np.testing.assert_array_equal(plain.forward(), y)
    np.testing.assert_array_equal(plain.backward(dy)[0], dx)


@pytest.mark.parametrize("layer", POOLS, ids=repr)
def test_layout_of_memory_does_not_matter(layer, alone, drawn):
    x = drawn(3, 4, 7, 6).transpose(0, 3, 2, 1)
    run, straight = alone(layer, x), alone(layer, np.ascontiguousarray(x))
    np.testing.assert_allclose(run.forward(), straight.forward(), rtol=1e-14)
    dy = drawn(*straight.forward().shape[::-1], seed=1).T
    dy.flags.writeable = False
    assert np.array_equal(run.backward(dy)[0], straight.backward(np.ascontiguousarray(dy))[0])


@pytest.mark.parametrize("layer", POOLS, ids=repr)
def test_steady_state_allocates_nothing_that_grows_with_the_batch(layer, alone, peak, drawn):
    run = alone(layer, drawn(256, 32, 32, 8, dtype=np.float32))
    dy = drawn(*run.forward().shape, seed=1, dtype=np.float32)

    def both_ways():
        run.forward()
        run.backward(dy)

    assert run.inputs[0].nbytes == 2**23
    assert peak(both_ways) < 2**18  # NumPy's own buffers

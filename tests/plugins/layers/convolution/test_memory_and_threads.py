"""Convolutions of real sizes: in pieces, among threads, however arrays lie in memory."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from mlpk import blas
from mlpk_plugins.layers.conv1d import Conv1D
from mlpk_plugins.layers.conv2d import Conv2D
from mlpk_plugins.layers.conv2d_transpose import Conv2DTranspose
from mlpk_plugins.layers.depthwise_conv2d import DepthwiseConv2D
from mlpk_plugins.layers.parts import grid
from mlpk_plugins.layers.parts.grid import PIECE
from mlpk_plugins.layers.separable_conv2d import SeparableConv2D

REAL = [
    (Conv2D(16, 3, padding="same", bias=False), (40, 40, 8)),
    (Conv2D(8, 3, strides=2, padding="same", bias=False), (120, 100, 8)),  # more than one piece
    (Conv2D(64, 3, padding="same", bias=False), (12, 12, 64)),  # products in parts
    (Conv2D(8, 5, groups=4, padding=3, dilation=2, bias=False), (30, 33, 16)),
    (Conv1D(16, 5, strides=2, padding="same", bias=False), (3000, 16)),
    (DepthwiseConv2D(3, padding="same", depth_multiplier=2, bias=False), (40, 40, 16)),
    (SeparableConv2D(8, 3, strides=2, padding="same", bias=False), (41, 40, 16)),
    (Conv2DTranspose(8, 4, strides=2, padding="same", bias=False), (64, 64, 16)),
]


@pytest.mark.parametrize(("layer", "shape"), REAL, ids=repr)
def test_backward_is_adjoint_at_a_real_size(layer, shape, alone, drawn):
    run = alone(layer, drawn(5, *shape))
    y = run.forward()
    dy = drawn(*y.shape, seed=1)
    (dx,) = run.backward(dy)
    value = np.vdot(y, dy)
    assert np.vdot(run.inputs[0], dx) == pytest.approx(value, rel=1e-10)
    for name, weight in run.arrays.items():  # y is linear in each weight, too
        assert np.vdot(weight, run.grads[name]) == pytest.approx(value, rel=1e-10)


PIECES = [(250, 12, 11, 3), (2, 90, 80, 16)]  # many small images to a piece; few rows of one image


@pytest.mark.parametrize("filters", [4, 40])
@pytest.mark.parametrize("shape", PIECES, ids=repr)
def test_pieces_are_joined(shape, filters, alone, drawn, close):
    run = alone(Conv2D(filters, 3, bias=False), drawn(*shape))
    y = run.forward()
    windows = sliding_window_view(run.inputs[0], (3, 3), (1, 2))
    close(y, np.einsum("npqcij,ijcf->npqf", windows, run.arrays["weight"], optimize=True))
    dy = drawn(*y.shape, seed=1)
    run.backward(dy)
    close(run.grads["weight"], np.einsum("npqcij,npqf->ijcf", windows, dy, optimize=True))


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize(("layer", "shape"), REAL, ids=repr)
def test_threads_change_nothing(layer, shape, alone, monkeypatch, drawn, close):
    monkeypatch.setattr(grid, "PIECE", 2**16)

    def all_of(run):
        y = run.forward().copy()
        (dx,) = run.backward(drawn(*y.shape, seed=1))
        return [y, dx.copy(), *(run.grads[name].copy() for name in sorted(run.grads))]

    run = alone(layer, drawn(5, *shape))
    found = all_of(run)
    assert any(name.startswith("lane 2/") for name in run.ctx._memory)  # all three were at it
    for again, array in zip(all_of(run), found, strict=True):
        np.testing.assert_array_equal(again, array)  # from run to run
    monkeypatch.setattr(blas, "threads", lambda: 1)
    for wanted, array in zip(all_of(alone(layer, drawn(5, *shape))), found, strict=True):
        close(array, wanted)


LINEAR = [
    Conv2D(4, 3, padding="same"),
    Conv2D(4, 1, strides=2),
    Conv2D(4, 3, groups=2),
    DepthwiseConv2D(3, depth_multiplier=2),
    SeparableConv2D(3, 3),
    Conv2DTranspose(4, 3, strides=2, groups=2),
]


@pytest.mark.parametrize("layer", LINEAR, ids=repr)
def test_layout_of_memory_does_not_matter(layer, alone, drawn, close):
    x = drawn(3, 4, 7, 6).transpose(0, 3, 2, 1)
    run, straight = alone(layer, x), alone(layer, np.ascontiguousarray(x))
    close(run.forward(), straight.forward())
    dy = drawn(*straight.forward().shape[::-1], seed=1).transpose(3, 2, 1, 0)
    dy.flags.writeable = False
    close(run.backward(dy)[0], straight.backward(np.ascontiguousarray(dy))[0])
    for name, grad in run.grads.items():
        close(grad, straight.grads[name])


@pytest.mark.parametrize("layer", LINEAR, ids=repr)
def test_steady_state_allocates_nothing_that_grows_with_the_batch(layer, alone, peak, drawn):
    run = alone(layer, drawn(128, 16, 16, 8, dtype=np.float32))
    dy = drawn(*run.forward().shape, seed=1, dtype=np.float32)

    def both_ways():
        run.forward()
        run.backward(dy)

    assert run.inputs[0].nbytes >= 2**20
    assert peak(both_ways) < 2**17  # NumPy's own buffers take about half of it


def test_scratch_is_bounded_by_the_piece(alone, drawn):
    run = alone(Conv2D(8, 3, padding="same"), drawn(600, 16, 16, 8, dtype=np.float32))
    run.backward(run.forward().copy())
    batch = {"y", "dx"}
    assert run.inputs[0].nbytes > PIECE
    assert all(
        memory.nbytes <= PIECE for name, memory in run.ctx._memory.items() if name not in batch
    )

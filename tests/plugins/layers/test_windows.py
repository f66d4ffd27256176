"""Layers over windows, convolutions and pools: of real sizes, among threads, wherever arrays lie."""

import numpy as np
import pytest

from mlpk import blas
from mlpk_plugins.layers.average_pool1d import AveragePool1D
from mlpk_plugins.layers.average_pool2d import AveragePool2D
from mlpk_plugins.layers.conv1d import Conv1D
from mlpk_plugins.layers.conv2d import Conv2D
from mlpk_plugins.layers.conv2d_transpose import Conv2DTranspose
from mlpk_plugins.layers.depthwise_conv2d import DepthwiseConv2D
from mlpk_plugins.layers.global_average_pool2d import GlobalAveragePool2D
from mlpk_plugins.layers.global_max_pool2d import GlobalMaxPool2D
from mlpk_plugins.layers.max_pool2d import MaxPool2D
from mlpk_plugins.layers.parts import grid
from mlpk_plugins.layers.separable_conv2d import SeparableConv2D

# How near results come to others that differ by rounding alone, or not even by that.
CLOSE = {"rtol": 1e-11, "atol": 1e-11}
NEAR = {"rtol": 1e-14}
EXACT = {"rtol": 0}

CONVOLUTIONS = [
    (Conv2D(16, 3, padding="same", bias=False), (40, 40, 8)),
    (Conv2D(8, 3, strides=2, padding="same", bias=False), (120, 100, 8)),  # more than one piece
    (Conv2D(64, 3, padding="same", bias=False), (12, 12, 64)),  # products in parts
    (Conv2D(8, 5, groups=4, padding=3, dilation=2, bias=False), (30, 33, 16)),
    (Conv1D(16, 5, strides=2, padding="same", bias=False), (3000, 16)),
    (DepthwiseConv2D(3, padding="same", depth_multiplier=2, bias=False), (40, 40, 16)),
    (SeparableConv2D(8, 3, strides=2, padding="same", bias=False), (41, 40, 16)),
    (Conv2DTranspose(8, 4, strides=2, padding="same", bias=False), (64, 64, 16)),
]
AVERAGES = [
    (AveragePool2D(3, strides=2, padding="same"), (40, 40, 8)),
    (AveragePool2D(2), (120, 100, 16)),
    (AveragePool1D(5, strides=2, padding=2), (3000, 16)),
    (GlobalAveragePool2D(), (30, 20, 16)),
]


@pytest.mark.parametrize(("layer", "shape"), [*CONVOLUTIONS, *AVERAGES], ids=repr)
def test_backward_is_adjoint_at_a_real_size(layer, shape, alone, drawn):
    run = alone(layer, drawn(5, *shape))
    y = run.forward()
    dy = drawn(*y.shape, seed=1)
    (dx,) = run.backward(dy)
    value = np.vdot(y, dy)
    assert np.vdot(run.inputs[0], dx) == pytest.approx(value, rel=1e-10)
    for name, weight in run.arrays.items():  # y is linear in each weight, too
        assert np.vdot(weight, run.grads[name]) == pytest.approx(value, rel=1e-10)


SMALL_CONVOLUTIONS = [
    Conv2D(4, 3, padding="same"),
    Conv2D(4, 1, strides=2),
    Conv2D(4, 3, groups=2),
    DepthwiseConv2D(3, depth_multiplier=2),
    SeparableConv2D(3, 3),
    Conv2DTranspose(4, 3, strides=2, groups=2),
]
POOLS = [
    MaxPool2D(2),
    MaxPool2D(3, strides=2, padding="same"),
    AveragePool2D(2),
    AveragePool2D(3, strides=2, padding="same"),
    GlobalMaxPool2D(),
    GlobalAveragePool2D(),
]


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize(
    ("layer", "shape", "piece", "alike"),
    [
        *((layer, (5, *shape), 2**16, CLOSE) for layer, shape in CONVOLUTIONS),
        *((POOLS[place], (8, 17, 16, 6), 2**14, EXACT) for place in (0, 1, 3)),
    ],
    ids=repr,
)
def test_threads_change_nothing(layer, shape, piece, alike, alone, monkeypatch, drawn):
    monkeypatch.setattr(grid, "PIECE", piece)

    def all_of(run):
        y = run.forward().copy()
        (dx,) = run.backward(drawn(*y.shape, seed=1))
        return [y, dx.copy(), *(run.grads[name].copy() for name in sorted(run.grads))]

    run = alone(layer, drawn(*shape))
    found = all_of(run)
    assert any(name.startswith("lane 2/") for name in run.ctx._memory)  # all three were at it
    for again, array in zip(all_of(run), found, strict=True):
        np.testing.assert_array_equal(again, array)  # from run to run
    monkeypatch.setattr(blas, "threads", lambda: 1)
    for wanted, array in zip(all_of(alone(layer, drawn(*shape))), found, strict=True):
        np.testing.assert_allclose(array, wanted, **alike)


@pytest.mark.parametrize(
    ("layer", "forth", "back"),
    [
        *((layer, CLOSE, CLOSE) for layer in SMALL_CONVOLUTIONS),
        *((layer, NEAR, EXACT) for layer in POOLS),
    ],
    ids=repr,
)
def test_layout_of_memory_does_not_matter(layer, forth, back, alone, drawn):
    x = drawn(3, 4, 7, 6).transpose(0, 3, 2, 1)
    run, straight = alone(layer, x), alone(layer, np.ascontiguousarray(x))
    np.testing.assert_allclose(run.forward(), straight.forward(), **forth)
    dy = drawn(*straight.forward().shape[::-1], seed=1).T
    dy.flags.writeable = False
    wanted = straight.backward(np.ascontiguousarray(dy))
    np.testing.assert_allclose(run.backward(dy)[0], wanted[0], **back)
    for name, grad in run.grads.items():
        np.testing.assert_allclose(grad, straight.grads[name], **back)


@pytest.mark.parametrize(
    ("layer", "shape", "most"),
    [
        *((layer, (128, 16, 16, 8), 2**17) for layer in SMALL_CONVOLUTIONS),
        *((layer, (256, 32, 32, 8), 2**18) for layer in POOLS),
    ],
    ids=repr,
)
def test_steady_state_allocates_nothing_that_grows_with_the_batch(
    layer, shape, most, alone, peak, drawn
):
    run = alone(layer, drawn(*shape, dtype=np.float32))
    dy = drawn(*run.forward().shape, seed=1, dtype=np.float32)

    def both_ways():
        run.forward()
        run.backward(dy)

    assert run.inputs[0].nbytes >= 8 * most
    assert peak(both_ways) < most  # NumPy's own buffers take about half of it

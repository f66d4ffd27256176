"""Convolutions, against plain loops over every product."""

from itertools import product

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from mlpk import ConfigError, ShapeError, blas
from mlpk_plugins.layers.conv1d import Conv1D
from mlpk_plugins.layers.conv2d import Conv2D
from mlpk_plugins.layers.conv2d_transpose import Conv2DTranspose
from mlpk_plugins.layers.depthwise_conv2d import DepthwiseConv2D
from mlpk_plugins.layers.parts import grid
from mlpk_plugins.layers.parts.grid import PIECE
from mlpk_plugins.layers.separable_conv2d import SeparableConv2D


def products(x_shape, w_shape, y_shape, strides, start, dilation):
    """Yield the indices (x, w, y) of each product in the sum that a convolution is."""
    (h, w, channels), (kh, kw, per_group, filters) = x_shape[1:], w_shape
    groups = channels // per_group
    for p, q, f, i, j, c in product(
        range(y_shape[1]), range(y_shape[2]), range(filters), range(kh), range(kw), range(per_group)
    ):
        row = p * strides[0] + i * dilation[0] - start[0]
        column = q * strides[1] + j * dilation[1] - start[1]
        if 0 <= row < h and 0 <= column < w:
            channel = f // (filters // groups) * per_group + c
            yield (slice(None), row, column, channel), (i, j, c, f), (slice(None), p, q, f)


def by_loops(x, weight, dy, strides=(1, 1), start=(0, 0), dilation=(1, 1)):
    """Return y, dx and dweight; `start` is the padding at the top and on the left."""
    y, dx, dweight = np.zeros_like(dy), np.zeros_like(x), np.zeros_like(weight)
    for a, b, c in products(x.shape, weight.shape, dy.shape, strides, start, dilation):
        y[c] += x[a] * weight[b]
        dx[a] += dy[c] * weight[b]
        dweight[b] += dy[c] @ x[a]
    return y, dx, dweight


def drawn(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-11)


CONV2D = [
    # layer, input, output, then what it means: strides, padding in front, dilation
    (Conv2D(3, 3), (5, 6, 2), (3, 4, 3), (1, 1), (0, 0), (1, 1)),
    (Conv2D(3, (2, 3), strides=(2, 1)), (5, 6, 2), (2, 4, 3), (2, 1), (0, 0), (1, 1)),
    (Conv2D(2, 3, padding="same"), (4, 5, 2), (4, 5, 2), (1, 1), (1, 1), (1, 1)),
    # (2 - 1) * 2 + 3 - 4 = 1 row is missing, at the end; (3 - 1) * 2 + 3 - 5 = 2 columns are.
    (Conv2D(2, 3, strides=2, padding="same"), (4, 5, 1), (2, 3, 2), (2, 2), (0, 1), (1, 1)),
    (Conv2D(2, 1, strides=3, padding="same"), (4, 6, 2), (2, 2, 2), (3, 3), (0, 0), (1, 1)),
    (Conv2D(4, 2, padding=(1, 0), groups=2), (3, 3, 6), (4, 2, 4), (1, 1), (1, 0), (1, 1)),
    (Conv2D(6, 2, padding=2, groups=3, strides=2), (3, 4, 3), (3, 4, 6), (2, 2), (2, 2), (1, 1)),
    (Conv2D(2, (3, 2), padding=((1, 2), (0, 3)), dilation=(2, 3)), (4, 3, 2), (3, 3, 2), (1, 1), (1, 0), (2, 3)),
    (Conv2D(1, (5, 4)), (5, 4, 2), (1, 1, 1), (1, 1), (0, 0), (1, 1)),
    (Conv2D(6, (3, 2), padding=(1, 0)), (4, 5, 2), (4, 4, 6), (1, 1), (1, 0), (1, 1)),
    # More padding than a window is wide: some see nothing else.
    (Conv2D(2, 2, padding=((3, 1), (0, 4))), (3, 2, 2), (6, 5, 2), (1, 1), (3, 0), (1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "x", "y", "strides", "start", "dilation"), CONV2D, ids=repr)
def test_conv2d_is_a_sum_of_products(layer, x, y, strides, start, dilation, alone):
    run = alone(layer, drawn(2, *x))
    dy = drawn(2, *y, seed=1)
    assert run.declaration.output == y
    found = run.forward()
    wanted, dx, dweight = by_loops(*run.inputs, run.arrays["weight"], dy, strides, start, dilation)
    close(found, wanted + run.arrays["bias"])
    close(run.backward(dy)[0], dx)
    close(run.grads["weight"], dweight)
    close(run.grads["bias"], dy.sum((0, 1, 2)))


def test_conv2d_by_hand(alone):
    x = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)  # 1 2 3 / 4 5 6 / 7 8 9
    run = alone(
        Conv2D(1, 2), x, weight=np.array([1.0, 10, 100, 1000]).reshape(2, 2, 1, 1), bias=[7]
    )
    # 1 + 2 * 10 + 4 * 100 + 5 * 1000, and so on: a correlation, the kernel is not turned round.
    assert run.forward()[0, :, :, 0].tolist() == [[5428.0, 6539.0], [8761.0, 9872.0]]
    (dx,) = run.backward(np.ones((1, 2, 2, 1)))
    assert dx[0, :, :, 0].tolist() == [[1, 11, 10], [101, 1111, 1010], [100, 1100, 1000]]
    assert run.grads["weight"].ravel().tolist() == [12, 16, 24, 28]  # 1 + 2 + 4 + 5, ...
    assert run.grads["bias"].tolist() == [4.0]


CONV1D = [
    (Conv1D(3, 3), (6, 2), (4, 3), 1, 0, 1),
    (Conv1D(2, 3, strides=2, padding="same"), (4, 2), (2, 2), 2, 0, 1),
    (Conv1D(4, 2, padding=1, groups=2), (4, 4), (5, 4), 1, 1, 1),
    (Conv1D(2, 3, dilation=2, padding=(4, 0)), (5, 1), (5, 2), 1, 4, 2),
]


@pytest.mark.parametrize(("layer", "x", "y", "stride", "start", "dilation"), CONV1D, ids=repr)
def test_conv1d_is_a_sum_of_products(layer, x, y, stride, start, dilation, alone):
    run = alone(layer, drawn(2, *x))
    dy = drawn(2, *y, seed=1)
    assert run.declaration.output == y
    found = run.forward()
    wanted, dx, dweight = by_loops(
        run.inputs[0][:, :, None], run.arrays["weight"][:, None], dy[:, :, None],
        (stride, 1), (start, 0), (dilation, 1),
    )  # fmt: skip
    close(found, wanted[:, :, 0] + run.arrays["bias"])
    close(run.backward(dy)[0], dx[:, :, 0])
    close(run.grads["weight"], dweight[:, 0])
    close(run.grads["bias"], dy.sum((0, 1)))


def test_same_pads_at_the_end_by_hand(alone):
    x = np.array([1.0, 2, 3, 4]).reshape(1, 4, 1)
    weight = np.array([1.0, 10, 100]).reshape(3, 1, 1)
    # Two windows of three at 0 and 2 want five steps: one more at the end, none in front.
    run = alone(Conv1D(1, 3, strides=2, padding="same", bias=False), x, weight=weight)
    assert run.forward().ravel().tolist() == [321.0, 43.0]
    run = alone(Conv1D(1, 3, padding=(2, 0), bias=False), x, weight=weight)
    assert run.forward().ravel().tolist() == [100.0, 210.0, 321.0, 432.0]


DEPTHWISE = [
    (DepthwiseConv2D(3), (5, 4, 2), (3, 2, 2), (1, 1), (0, 0), (1, 1)),
    (DepthwiseConv2D((2, 3), strides=2, padding="same", depth_multiplier=3), (4, 5, 2), (2, 3, 6), (2, 2), (0, 1), (1, 1)),
    (DepthwiseConv2D(2, padding=1, dilation=2), (3, 4, 3), (3, 4, 3), (1, 1), (1, 1), (2, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "x", "y", "strides", "start", "dilation"), DEPTHWISE, ids=repr)
def test_depthwise_has_a_group_for_each_channel(layer, x, y, strides, start, dilation, alone):
    run = alone(layer, drawn(2, *x))
    dy = drawn(2, *y, seed=1)
    assert run.declaration.output == y
    found = run.forward()
    wanted, dx, dweight = by_loops(*run.inputs, run.arrays["weight"], dy, strides, start, dilation)
    close(found, wanted + run.arrays["bias"])
    close(run.backward(dy)[0], dx)
    close(run.grads["weight"], dweight)
    close(run.grads["bias"], dy.sum((0, 1, 2)))


def test_separable_is_depthwise_and_then_pointwise(alone):
    run = alone(SeparableConv2D(3, 2, padding="same", depth_multiplier=2), drawn(2, 3, 4, 2))
    first, second, bias = (
        run.arrays[name] for name in ("depthwise_weight", "pointwise_weight", "bias")
    )
    assert (first.shape, second.shape) == ((2, 2, 1, 4), (1, 1, 4, 3))
    dy = drawn(2, 3, 4, 3, seed=1)
    z, _, _ = by_loops(*run.inputs, first, np.zeros((2, 3, 4, 4)))
    y, dz, dsecond = by_loops(z, second, dy)
    _, dx, dfirst = by_loops(*run.inputs, first, dz)
    close(run.forward(), y + bias)
    close(run.backward(dy)[0], dx)
    close(run.grads["depthwise_weight"], dfirst)
    close(run.grads["pointwise_weight"], dsecond)
    close(run.grads["bias"], dy.sum((0, 1, 2)))


TRANSPOSED = [
    # layer, input, output; strides, padding in front, dilation
    (Conv2DTranspose(3, 3), (2, 3, 2), (4, 5, 3), (1, 1), (0, 0), (1, 1)),
    (Conv2DTranspose(2, 3, strides=2), (2, 3, 2), (5, 7, 2), (2, 2), (0, 0), (1, 1)),
    # 3 - 2 = 1 row and column is cut off, at the end.
    (Conv2DTranspose(2, 3, strides=2, padding="same"), (2, 3, 2), (4, 6, 2), (2, 2), (0, 0), (1, 1)),
    (Conv2DTranspose(4, 2, strides=(3, 2), padding=1, output_padding=(2, 1), groups=2), (2, 3, 6), (5, 5, 4), (3, 2), (1, 1), (1, 1)),
    (Conv2DTranspose(2, 2, dilation=3, padding=((2, 0), (0, 1))), (2, 3, 1), (3, 5, 2), (1, 1), (2, 0), (3, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "x", "y", "strides", "start", "dilation"), TRANSPOSED, ids=repr)
def test_transposed_is_the_adjoint(layer, x, y, strides, start, dilation, alone):
    run = alone(layer, drawn(2, *x))
    dy = drawn(2, *y, seed=1)
    assert run.declaration.output == y
    found, weight, groups = run.forward(), run.arrays["weight"], layer.groups
    # The convolution that goes back has x's channels as filters and y's as channels.
    kh, kw, per_group, filters = weight.shape
    parts = weight.reshape(kh, kw, per_group, groups, filters // groups)
    back = parts.transpose(0, 1, 4, 3, 2).reshape(kh, kw, filters // groups, x[2])
    dx, wanted, dback = by_loops(dy, back, *run.inputs, strides, start, dilation)
    close(found, wanted + run.arrays["bias"])
    close(run.backward(dy)[0], dx)
    parts = dback.reshape(kh, kw, filters // groups, groups, per_group)
    close(run.grads["weight"], parts.transpose(0, 1, 4, 3, 2).reshape(weight.shape))
    close(run.grads["bias"], dy.sum((0, 1, 2)))


def test_transposed_by_hand(alone):
    x, weight = np.array([1.0, 2]).reshape(1, 1, 2, 1), np.array([1.0, 10, 100]).reshape(1, 3, 1, 1)
    fields = {"filters": 1, "kernel_size": (1, 3), "strides": (1, 2), "bias": False}
    run = alone(Conv2DTranspose(**fields), x, weight=weight)
    assert run.forward().ravel().tolist() == [1.0, 10.0, 102.0, 20.0, 200.0]
    run = alone(Conv2DTranspose(**fields, padding="same"), x, weight=weight)
    assert run.forward().ravel().tolist() == [1.0, 10.0, 102.0, 20.0]


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
def test_backward_is_adjoint_at_a_real_size(layer, shape, alone):
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
def test_pieces_are_joined(shape, filters, alone):
    run = alone(Conv2D(filters, 3, bias=False), drawn(*shape))
    y = run.forward()
    windows = sliding_window_view(run.inputs[0], (3, 3), (1, 2))
    close(y, np.einsum("npqcij,ijcf->npqf", windows, run.arrays["weight"], optimize=True))
    dy = drawn(*y.shape, seed=1)
    run.backward(dy)
    close(run.grads["weight"], np.einsum("npqcij,npqf->ijcf", windows, dy, optimize=True))


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize(("layer", "shape"), REAL, ids=repr)
def test_threads_change_nothing(layer, shape, alone, monkeypatch):
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
def test_layout_of_memory_does_not_matter(layer, alone):
    x = drawn(3, 4, 7, 6).transpose(0, 3, 2, 1)
    run, straight = alone(layer, x), alone(layer, np.ascontiguousarray(x))
    close(run.forward(), straight.forward())
    dy = drawn(*straight.forward().shape[::-1], seed=1).transpose(3, 2, 1, 0)
    dy.flags.writeable = False
    close(run.backward(dy)[0], straight.backward(np.ascontiguousarray(dy))[0])
    for name, grad in run.grads.items():
        close(grad, straight.grads[name])


@pytest.mark.parametrize("layer", LINEAR, ids=repr)
def test_steady_state_allocates_nothing_that_grows_with_the_batch(layer, alone, peak):
    run = alone(layer, drawn(128, 16, 16, 8, dtype=np.float32))
    dy = drawn(*run.forward().shape, seed=1, dtype=np.float32)

    def both_ways():
        run.forward()
        run.backward(dy)

    assert run.inputs[0].nbytes >= 2**20
    assert peak(both_ways) < 2**17  # NumPy's own buffers take about half of it


def test_scratch_is_bounded_by_the_piece(alone):
    run = alone(Conv2D(8, 3, padding="same"), drawn(600, 16, 16, 8, dtype=np.float32))
    run.backward(run.forward().copy())
    batch = {"y", "dx"}
    assert run.inputs[0].nbytes > PIECE
    assert all(
        memory.nbytes <= PIECE for name, memory in run.ctx._memory.items() if name not in batch
    )


def test_fans_are_per_group():
    declared = Conv2D(12, (3, 5), groups=2).declare((8, 8, 6))
    assert declared.params["weight"].shape == (3, 5, 3, 12)
    assert declared.params["weight"].in_and_out == (3 * 5 * 3, 3 * 5 * 6)
    declared = DepthwiseConv2D(3, depth_multiplier=2).declare((8, 8, 6))
    assert declared.params["weight"].shape == (3, 3, 1, 12)
    assert declared.params["weight"].in_and_out == (9, 18)
    declared = Conv2DTranspose(4, 2, groups=2).declare((8, 8, 6))
    assert declared.params["weight"].in_and_out == (2 * 2 * 3, 2 * 2 * 2)
    declared = SeparableConv2D(5, 3).declare((8, 8, 6))
    assert declared.params["pointwise_weight"].in_and_out == (6, 5)
    assert not declared.params["bias"].decay


@pytest.mark.parametrize(
    ("layer", "shape", "output"),
    [
        (Conv2D(2, 3), (None, 7, 1), (None, 5, 2)),
        (Conv2D(2, 3, strides=2, padding="same"), (7, None, 1), (4, None, 2)),
        (Conv1D(2, 3), (None, 1), (None, 2)),
        (DepthwiseConv2D(3), (None, 7, 2), (None, 5, 2)),
        (SeparableConv2D(2, 3), (None, None, 2), (None, None, 2)),
        (Conv2DTranspose(2, 3), (None, 7, 2), (None, 9, 2)),
    ],
    ids=repr,
)
def test_unknown_lengths_stay_unknown(layer, shape, output):
    assert layer.declare(shape).output == output


@pytest.mark.parametrize(
    ("layer", "shape", "said"),
    [
        (Conv2D(2, 3), (2, 7, 1), "a window of 3 on 2 "),
        (Conv2D(2, 3, padding=1, dilation=4), (7, 6, 1), "of 3 that reaches over 9 on 8 "),
        (Conv2D(2, 3, groups=2), (7, 7, 3), "2 groups, found 3 channels"),
        (Conv2D(3, 3, groups=2), (7, 7, 4), "2 groups, found 3 filters"),
        (Conv2D(3, 3), (7, 7), "found a shape (7, 7)"),
        (Conv2D(3, 3), (7, 7, None), "known length"),
        (Conv1D(3, 5), (4, 1), "a window of 5 on 4 "),
        (Conv1D(3, 5), (4, 1, 1), "found a shape (4, 1, 1)"),
        (DepthwiseConv2D(3), (2, 7, 1), "a window of 3 on 2 "),
        (SeparableConv2D(2, 3), (2, 7, 1), "a window of 3 on 2 "),
        (Conv2DTranspose(4, 3, groups=2), (7, 7, 3), "2 groups, found 3 channels"),
        (Conv2DTranspose(4, 3, padding=3), (3, 7, 1), "found -1: 6 of padding cut off from 5"),
    ],
    ids=repr,
)
def test_wrong_shapes_are_refused_before_anything_is_computed(layer, shape, said):
    with pytest.raises(ShapeError) as caught:
        layer.declare(shape)
    assert said in str(caught.value)


def test_a_real_image_too_small_is_refused(alone):
    run = alone(Conv2D(2, 3), drawn(1, 3, 3, 1))
    run.inputs = (drawn(1, 2, 3, 1),)
    with pytest.raises(ShapeError, match="a window of 3 on 2 "):
        run.forward()


@pytest.mark.parametrize(
    ("cls", "fields", "where"),
    [
        (Conv2D, {"filters": 0, "kernel_size": 3}, "conv2d.filters"),
        (Conv2D, {"filters": 1, "kernel_size": (3, 0)}, "conv2d.kernel_size"),
        (Conv2D, {"filters": 1, "kernel_size": (3, 3, 3)}, "conv2d.kernel_size"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "strides": 0}, "conv2d.strides"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "padding": -1}, "conv2d.padding"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "padding": ((0, -1), (0, 0))}, "conv2d.padding"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "padding": "full"}, "conv2d.padding"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "dilation": 0}, "conv2d.dilation"),
        (Conv2D, {"filters": 1, "kernel_size": 3, "groups": 0}, "conv2d.groups"),
        (Conv1D, {"filters": 1, "kernel_size": 0}, "conv1d.kernel_size"),
        (DepthwiseConv2D, {"kernel_size": 1, "depth_multiplier": 0}, "depth_multiplier"),
        (Conv2DTranspose, {"filters": 1, "kernel_size": 3, "output_padding": 1}, "output_padding"),
        (Conv2DTranspose, {"filters": 1, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1}, "output_padding"),
    ],
)  # fmt: skip
def test_wrong_fields_are_refused(cls, fields, where):
    with pytest.raises(ConfigError) as caught:
        cls(**fields)
    assert where in str(caught.value)

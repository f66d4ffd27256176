"""Convolutions are sums of products: against plain loops over every one, and by hand."""

from itertools import product

import numpy as np
import pytest

from mlpk_plugins.layers.conv1d import Conv1D
from mlpk_plugins.layers.conv2d import Conv2D
from mlpk_plugins.layers.conv2d_transpose import Conv2DTranspose
from mlpk_plugins.layers.depthwise_conv2d import DepthwiseConv2D
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
    # From eight columns on, windows that overlap downwards are laid out together.
    (Conv2D(3, 3), (5, 10, 2), (3, 8, 3), (1, 1), (0, 0), (1, 1)),
    (Conv2D(4, (3, 2), strides=(2, 1), padding=((1, 0), (0, 1)), groups=2), (6, 9, 4), (3, 9, 4), (2, 1), (1, 0), (1, 1)),
    (Conv2D(2, (2, 3), strides=(1, 2), dilation=(1, 3), padding=(1, 0)), (3, 21, 2), (4, 8, 2), (1, 2), (1, 0), (1, 3)),
    (Conv2D(2, (2, 3), dilation=(2, 1)), (4, 11, 2), (2, 9, 2), (1, 1), (0, 0), (2, 1)),
    # More padding than a window is wide: some see nothing else.
    (Conv2D(2, 2, padding=((3, 1), (0, 4))), (3, 2, 2), (6, 5, 2), (1, 1), (3, 0), (1, 1)),
]  # fmt: skip


DEPTHWISE = [
    # likewise, with a group for each channel
    (DepthwiseConv2D(3), (5, 4, 2), (3, 2, 2), (1, 1), (0, 0), (1, 1)),
    (DepthwiseConv2D((2, 3), strides=2, padding="same", depth_multiplier=3), (4, 5, 2), (2, 3, 6), (2, 2), (0, 1), (1, 1)),
    (DepthwiseConv2D(2, padding=1, dilation=2), (3, 4, 3), (3, 4, 3), (1, 1), (1, 1), (2, 2)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "x", "y", "strides", "start", "dilation"), CONV2D + DEPTHWISE, ids=repr
)
def test_each_is_a_sum_of_products(layer, x, y, strides, start, dilation, alone, drawn, close):
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
def test_conv1d_is_a_sum_of_products(layer, x, y, stride, start, dilation, alone, drawn, close):
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


def test_separable_is_depthwise_and_then_pointwise(alone, drawn, close):
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
def test_transposed_is_the_adjoint(layer, x, y, strides, start, dilation, alone, drawn, close):
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

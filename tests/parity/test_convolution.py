"""Convolutions and all of their gradients against PyTorch's, over random fields and sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import Context
from mlpk_plugins.layers.conv1d import Conv1D
from mlpk_plugins.layers.conv2d import Conv2D
from mlpk_plugins.layers.conv2d_transpose import Conv2DTranspose
from mlpk_plugins.layers.depthwise_conv2d import DepthwiseConv2D
from mlpk_plugins.layers.separable_conv2d import SeparableConv2D

torch = pytest.importorskip("torch", reason="needs the extra parity: torch==2.13.0")
functional = torch.nn.functional
torch.set_num_threads(1)

seeds = st.integers(0, 2**32 - 1)
small = st.integers(1, 3)
pairs = st.tuples(small, small)
lengths = st.integers(7, 10)  # no smaller than a window of 3 at distance 3
numbers = st.tuples(st.integers(0, 3), st.integers(0, 3))
paddings = st.one_of(st.sampled_from(["same", "valid"]), st.tuples(numbers, numbers))


def assert_same(layer, x, theirs):
    """Compare with `theirs(x, arrays)`, which takes and gives channels first."""
    rng = np.random.default_rng(1)
    params = layer.declare(x.shape[1:]).params
    arrays = {name: rng.standard_normal(param.shape) for name, param in params.items()}
    grads = {name: np.full_like(array, np.nan) for name, array in arrays.items()}
    ctx = Context("float64", spoil=True)
    y, saved = layer.forward(arrays, ctx, x)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    theirs_x = torch.tensor(x, requires_grad=True)
    wanted = theirs(theirs_x.movedim(-1, 1).contiguous(), tensors).movedim(1, -1)
    np.testing.assert_allclose(y, wanted.detach().numpy(), rtol=1e-9, atol=1e-11)
    dy = rng.standard_normal(y.shape)
    wanted.backward(torch.tensor(dy))
    dx = layer.backward(arrays, ctx, saved, dy, grads)
    np.testing.assert_allclose(dx, theirs_x.grad.numpy(), rtol=1e-9, atol=1e-11)
    for name, tensor in tensors.items():
        np.testing.assert_allclose(grads[name], tensor.grad.numpy(), rtol=1e-9, atol=1e-10)


def same(length, size, stride, dilation):
    """Return the padding of "same" as TensorFlow documents it."""
    reach = (size - 1) * dilation + 1
    rest = length % stride
    total = max(reach - stride, 0) if rest == 0 else max(reach - rest, 0)
    return total // 2, total - total // 2


def framed(x, padding, size, strides, dilation):
    """Return channels-first x with its padding around."""
    if padding == "valid":
        return x
    if padding == "same":
        padding = [same(*axis) for axis in zip(x.shape[2:], size, strides, dilation, strict=True)]
    (top, bottom), (left, right) = padding
    return functional.pad(x, (left, right, top, bottom))


def kernel(weight):
    """Return (kh, kw, c_in, c_out) as torch has it, (c_out, c_in, kh, kw)."""
    return weight.permute(3, 2, 0, 1).contiguous()


@given(
    seeds, st.tuples(lengths, lengths), pairs, pairs, pairs, paddings, small, pairs, st.booleans()
)
def test_conv2d(seed, image, size, strides, dilation, padding, groups, parts, bias):
    layer = Conv2D(groups * parts[0], size, strides, padding, dilation, groups, bias)
    x = np.random.default_rng(seed).standard_normal((2, *image, groups * parts[1]))

    def theirs(x, arrays):
        x = framed(x, padding, size, strides, dilation)
        return functional.conv2d(
            x, kernel(arrays["weight"]), arrays.get("bias"), strides, 0, dilation, groups
        )

    assert_same(layer, x, theirs)


@given(
    seeds,
    lengths,
    small,
    small,
    small,
    st.one_of(st.sampled_from(["same", "valid"]), numbers),
    small,
    pairs,
)
def test_conv1d(seed, steps, size, stride, dilation, padding, groups, parts):
    layer = Conv1D(groups * parts[0], size, stride, padding, dilation, groups)
    x = np.random.default_rng(seed).standard_normal((2, steps, groups * parts[1]))
    before_and_after = padding
    if padding == "same":
        before_and_after = same(steps, size, stride, dilation)
    elif padding == "valid":
        before_and_after = (0, 0)

    def theirs(x, arrays):
        x, weight = (
            functional.pad(x, before_and_after),
            arrays["weight"].permute(2, 1, 0).contiguous(),
        )
        return functional.conv1d(x, weight, arrays["bias"], stride, 0, dilation, groups)

    assert_same(layer, x, theirs)


@given(seeds, st.tuples(lengths, lengths), pairs, pairs, pairs, paddings, pairs)
def test_depthwise_conv2d(seed, image, size, strides, dilation, padding, channels):
    count, multiplier = channels
    layer = DepthwiseConv2D(size, strides, padding, dilation, multiplier)
    x = np.random.default_rng(seed).standard_normal((2, *image, count))

    def theirs(x, arrays):
        x = framed(x, padding, size, strides, dilation)
        return functional.conv2d(
            x, kernel(arrays["weight"]), arrays["bias"], strides, 0, dilation, count
        )

    assert_same(layer, x, theirs)


@given(seeds, st.tuples(lengths, lengths), pairs, pairs, pairs, paddings, pairs, small)
def test_separable_conv2d(seed, image, size, strides, dilation, padding, channels, filters):
    count, multiplier = channels
    layer = SeparableConv2D(filters, size, strides, padding, dilation, multiplier)
    x = np.random.default_rng(seed).standard_normal((2, *image, count))

    def theirs(x, arrays):
        x = framed(x, padding, size, strides, dilation)
        first = kernel(arrays["depthwise_weight"])
        z = functional.conv2d(x, first, None, strides, 0, dilation, count)
        return functional.conv2d(z, kernel(arrays["pointwise_weight"]), arrays["bias"])

    assert_same(layer, x, theirs)


@given(seeds, st.tuples(lengths, lengths), pairs, pairs, pairs, paddings, small, pairs, st.data())
def test_conv2d_transpose(seed, image, size, strides, dilation, padding, groups, parts, data):
    extra = (0, 0)
    if padding != "same":
        extra = tuple(data.draw(st.integers(0, stride - 1)) for stride in strides)
    layer = Conv2DTranspose(groups * parts[0], size, strides, padding, extra, dilation, groups)
    x = np.random.default_rng(seed).standard_normal((2, *image, groups * parts[1]))
    rows, columns, _ = layer.declare(x.shape[1:]).output

    def theirs(x, arrays):
        kh, kw, per_group, filters = arrays["weight"].shape
        weight = arrays["weight"].reshape(kh, kw, per_group, groups, filters // groups)
        weight = weight.permute(3, 2, 4, 0, 1).reshape(groups * per_group, -1, kh, kw)
        weight = weight.contiguous()  # torch's gradient of some layouts fails
        # torch cuts off alike on both sides: the padding is cut off here. Where a window reaches
        # less far than a stride, "same" keeps the places that none reaches.
        whole = functional.conv_transpose2d(x, weight, None, strides, 0, extra, groups, dilation)
        top, left = 0, 0
        if padding == "same":
            reaches = [(n - 1) * d + 1 for n, d in zip(size, dilation, strict=True)]
            top, left = (max(r - s, 0) // 2 for r, s in zip(reaches, strides, strict=True))
            missing = [max(s - r, 0) for r, s in zip(reaches, strides, strict=True)]
            whole = functional.pad(whole, (0, missing[1], 0, missing[0]))
        elif padding != "valid":
            (top, _), (left, _) = padding
        cut = whole[:, :, top : top + rows, left : left + columns]
        assert cut.shape[2:] == (rows, columns)
        return cut + arrays["bias"][:, None, None]

    assert_same(layer, x, theirs)

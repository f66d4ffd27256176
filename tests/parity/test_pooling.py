"""Pools and their gradients against PyTorch's, over random fields and sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import Context
from mlpk_plugins.layers.average_pool1d import AveragePool1D
from mlpk_plugins.layers.average_pool2d import AveragePool2D
from mlpk_plugins.layers.global_average_pool1d import GlobalAveragePool1D
from mlpk_plugins.layers.global_average_pool2d import GlobalAveragePool2D
from mlpk_plugins.layers.global_max_pool1d import GlobalMaxPool1D
from mlpk_plugins.layers.global_max_pool2d import GlobalMaxPool2D
from mlpk_plugins.layers.max_pool1d import MaxPool1D
from mlpk_plugins.layers.max_pool2d import MaxPool2D

torch = pytest.importorskip("torch", reason="needs the extra parity: torch==2.13.0")
functional = torch.nn.functional
torch.set_num_threads(1)

seeds = st.integers(0, 2**32 - 1)
lengths = st.integers(3, 8)
channels = st.integers(1, 3)


@st.composite
def axes(draw):
    """Draw a kernel's size, its stride and padding (before, after), along one axis."""
    size = draw(st.integers(1, 3))
    pads = st.integers(0, size - 1)
    return size, draw(st.integers(1, 3)), (draw(pads), draw(pads))


def assert_same(layer, x, theirs):
    """Compare with `theirs(x)`, which takes and gives channels first."""
    ctx = Context("float64", spoil=True)
    y, saved = layer.forward({}, ctx, x)
    theirs_x = torch.tensor(x, requires_grad=True)
    wanted = theirs(theirs_x.movedim(-1, 1)).movedim(1, -1)
    np.testing.assert_allclose(y, wanted.detach().numpy(), rtol=1e-12, atol=1e-13)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    wanted.backward(torch.tensor(dy))
    dx = layer.backward({}, ctx, saved, dy, {})
    np.testing.assert_allclose(dx, theirs_x.grad.numpy(), rtol=1e-12, atol=1e-13)


def with_equals(seed, *shape):
    """Draw few values, so that a window often holds its largest twice."""
    return np.random.default_rng(seed).integers(-3, 3, shape) * 1.0


def average(x, pads, pool, *, count_pads):
    """Average over x and its padding; over x alone, divide by the average of ones."""
    means = pool(functional.pad(x, pads))
    return means if count_pads else means / pool(functional.pad(torch.ones_like(x), pads))


@given(seeds, lengths, lengths, channels, axes(), axes())
def test_max_pool2d(seed, height, width, count, down, across):
    (size, strides, pads) = zip(down, across, strict=True)
    frame = (*pads[1], *pads[0])
    x = with_equals(seed, 2, height, width, count)
    assert_same(
        MaxPool2D(size, strides, pads),
        x,
        lambda x: functional.max_pool2d(functional.pad(x, frame, value=-torch.inf), size, strides),
    )


@given(seeds, lengths, lengths, channels, axes(), axes(), st.booleans())
def test_average_pool2d(seed, height, width, count, down, across, count_pads):
    (size, strides, pads) = zip(down, across, strict=True)
    x = np.random.default_rng(seed).standard_normal((2, height, width, count))

    def theirs(x):
        def pool(x):
            return functional.avg_pool2d(x, size, strides)

        return average(x, (*pads[1], *pads[0]), pool, count_pads=count_pads)

    assert_same(AveragePool2D(size, strides, pads, count_pads), x, theirs)


@given(seeds, lengths, channels, axes(), st.booleans())
def test_pools_of_sequences(seed, steps, count, axis, count_pads):
    size, stride, pads = axis
    x = with_equals(seed, 2, steps, count)
    assert_same(
        MaxPool1D(size, stride, pads),
        x,
        lambda x: functional.max_pool1d(functional.pad(x, pads, value=-torch.inf), size, stride),
    )

    def theirs(x):
        def pool(x):
            return functional.avg_pool1d(x, size, stride)

        return average(x, pads, pool, count_pads=count_pads)

    assert_same(AveragePool1D(size, stride, pads, count_pads), x, theirs)


@given(seeds, lengths, lengths, channels)
def test_global_pools(seed, height, width, count):
    x = with_equals(seed, 2, height, width, count)
    of_image, of_sequence = x, x[:, :, 0]
    assert_same(
        GlobalMaxPool2D(),
        of_image,
        lambda x: functional.max_pool2d(x, x.shape[2:])[:, :, 0, 0],
    )
    assert_same(
        GlobalMaxPool1D(),
        of_sequence,
        lambda x: functional.max_pool1d(x, x.shape[2])[:, :, 0],
    )
    assert_same(GlobalAveragePool2D(), of_image, lambda x: x.mean((2, 3)))
    assert_same(GlobalAveragePool1D(), of_sequence, lambda x: x.mean(2))

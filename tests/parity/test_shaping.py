"""Layers that move or combine numbers, against PyTorch, over shapes and fields drawn at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import Context
from mlpk_plugins.layers.average import Average
from mlpk_plugins.layers.cropping2d import Cropping2D
from mlpk_plugins.layers.dot import Dot
from mlpk_plugins.layers.maximum import Maximum
from mlpk_plugins.layers.permute import Permute
from mlpk_plugins.layers.repeat import Repeat
from mlpk_plugins.layers.subtract import Subtract
from mlpk_plugins.layers.upsampling2d import Upsampling2D
from mlpk_plugins.layers.zero_padding2d import ZeroPadding2D

torch = pytest.importorskip("torch", reason="needs the extra parity: torch==2.13.0")
torch.set_num_threads(1)
F = torch.nn.functional

SHAPES = st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple)
LENGTHS = st.integers(1, 5)
IMAGES = st.tuples(LENGTHS, LENGTHS, LENGTHS, LENGTHS)
MARGINS = st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2)
SEEDS = st.integers(0, 2**32 - 1)


def compare(layer, function, inputs, rng):
    """Assert that output and all gradients agree."""
    needs = (True,) * len(inputs)
    ctx = Context("float64", spoil=True, needs_input_grad=needs)
    y, saved = layer.forward({}, ctx, *inputs)
    y, dy = y.copy(), rng.standard_normal(y.shape)
    found = layer.backward({}, ctx, saved, dy, {})
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    wanted = function(*leaves)
    np.testing.assert_allclose(y, wanted.detach().numpy(), rtol=1e-12, atol=1e-12)
    wanted.backward(torch.tensor(dy))
    gradients = found if isinstance(found, tuple) else (found,)
    for here, leaf in zip(gradients, leaves, strict=True):
        np.testing.assert_allclose(here, leaf.grad.numpy(), rtol=1e-12, atol=1e-12)


@given(shape=SHAPES, seed=SEEDS)
def test_subtract(shape, seed):
    rng = np.random.default_rng(seed)
    compare(Subtract(), torch.sub, rng.standard_normal((2, *shape)), rng)


@given(shape=SHAPES, seed=SEEDS, count=st.integers(2, 4))
def test_average(shape, seed, count):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((count, *shape))
    compare(Average(), lambda *x: torch.stack(x).mean(0), inputs, rng)


@given(shape=SHAPES, seed=SEEDS, count=st.integers(2, 4))
def test_maximum_with_ties(shape, seed, count):
    rng = np.random.default_rng(seed)
    inputs = rng.integers(-2, 3, (count, *shape)).astype("float64")
    compare(Maximum(), lambda *x: torch.stack(x).amax(0), inputs, rng)


@given(data=st.data(), seed=SEEDS)
def test_dot(data, seed):
    rng = np.random.default_rng(seed)
    n, length = data.draw(LENGTHS), data.draw(LENGTHS)
    rests = [data.draw(st.lists(LENGTHS, max_size=2)) for _ in range(2)]
    axes = tuple(data.draw(st.integers(1, len(rest) + 1)) for rest in rests)
    inputs = [
        rng.standard_normal((n, *rest[: axis - 1], length, *rest[axis - 1 :]))
        for rest, axis in zip(rests, axes, strict=True)
    ]
    output = (n, *rests[0], *rests[1]) if rests[0] or rests[1] else (n, 1)

    def row_by_row(a, b):
        pairs = zip(a, b, strict=True)
        rows = [torch.tensordot(x, y, ([axes[0] - 1], [axes[1] - 1])) for x, y in pairs]
        return torch.stack(rows).reshape(output)

    compare(Dot(axes=axes), row_by_row, inputs, rng)


@given(data=st.data(), shape=SHAPES, seed=SEEDS)
def test_permute(data, shape, seed):
    axes = tuple(data.draw(st.permutations(range(1, len(shape)))))
    rng = np.random.default_rng(seed)
    compare(Permute(axes=axes), lambda x: x.permute(0, *axes), [rng.standard_normal(shape)], rng)


@given(shape=SHAPES, seed=SEEDS, times=LENGTHS)
def test_repeat(shape, seed, times):
    rng = np.random.default_rng(seed)

    def repeated(x):
        return x.unsqueeze(1).repeat_interleave(times, dim=1)

    compare(Repeat(times=times), repeated, [rng.standard_normal(shape)], rng)


@given(shape=IMAGES, seed=SEEDS, margins=MARGINS)
def test_zero_padding(shape, seed, margins):
    rng = np.random.default_rng(seed)
    down, across = margins

    def padded(x):
        return F.pad(x, (0, 0, *across, *down))

    compare(ZeroPadding2D(padding=margins), padded, [rng.standard_normal(shape)], rng)


@given(shape=IMAGES, seed=SEEDS, margins=MARGINS)
def test_cropping(shape, seed, margins):
    rng = np.random.default_rng(seed)
    down, across = margins
    n, height, width, channels = shape
    x = rng.standard_normal((n, height + sum(down), width + sum(across), channels))

    def cropped(x):
        return F.pad(x, (0, 0, *(-side for side in (*across, *down))))

    compare(Cropping2D(cropping=margins), cropped, [x], rng)


@given(shape=IMAGES, seed=SEEDS, size=st.tuples(LENGTHS, LENGTHS))
def test_upsampling(shape, seed, size):
    rng = np.random.default_rng(seed)

    def upsampled(x):
        larger = F.interpolate(x.permute(0, 3, 1, 2), scale_factor=size, mode="nearest")
        return larger.permute(0, 2, 3, 1)

    compare(Upsampling2D(size=size), upsampled, [rng.standard_normal(shape)], rng)

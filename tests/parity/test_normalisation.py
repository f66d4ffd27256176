"""Normalisation of rows and groups, and embedding, against PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import Context
from mlpk_plugins.layers.embedding import Embedding
from mlpk_plugins.layers.group_norm import GroupNorm
from mlpk_plugins.layers.layer_norm import LayerNorm
from mlpk_plugins.layers.rms_norm import RMSNorm

torch = pytest.importorskip("torch", reason="needs the extra parity: torch==2.13.0")
torch.set_num_threads(1)
F = torch.nn.functional

LENGTHS = st.integers(1, 5)
EPS = st.sampled_from([1e-6, 1e-5, 0.1])
# PyTorch takes variances as mean(x**2) - mean(x)**2 in places, which loses digits with the mean.
MEANS = st.sampled_from([0.0, 0.5, 3.0])
SEEDS = st.integers(0, 2**32 - 1)


def compare(layer, function, x, rng):
    """Assert that the output and every gradient agree; `function` takes x and the arrays by name."""
    params = layer.declare(x.shape[1:]).params
    arrays = {name: rng.standard_normal(param.shape) for name, param in params.items()}
    grads = {name: np.full(param.shape, np.nan) for name, param in params.items()}
    ctx = Context("float64", spoil=True)
    y, saved = layer.forward(arrays, ctx, x)
    y, dy = y.copy(), rng.standard_normal(y.shape)
    dx = layer.backward(arrays, ctx, saved, dy, grads)
    leaf = torch.tensor(x, requires_grad=x.dtype.kind == "f")
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    wanted = function(leaf, **leaves)
    wanted.backward(torch.tensor(dy))
    near = {"rtol": 1e-7, "atol": 1e-9}
    np.testing.assert_allclose(y, wanted.detach().numpy(), **near)
    for name, array in leaves.items():
        np.testing.assert_allclose(grads[name], array.grad.numpy(), **near)
    if leaf.requires_grad:
        np.testing.assert_allclose(dx, leaf.grad.numpy(), **near)
    else:
        assert dx is None


@given(
    first=st.lists(LENGTHS, min_size=1, max_size=2),
    last=st.lists(LENGTHS, min_size=1, max_size=3),
    mean=MEANS,
    eps=EPS,
    seed=SEEDS,
)
def test_layer_norm(first, last, mean, eps, seed):
    rng = np.random.default_rng(seed)
    compare(
        LayerNorm(axes=len(last), eps=eps),
        lambda x, gamma, beta: F.layer_norm(x, last, gamma, beta, eps),
        mean + rng.standard_normal((*first, *last)),
        rng,
    )


@given(shape=st.lists(LENGTHS, min_size=2, max_size=4), mean=MEANS, eps=EPS, seed=SEEDS)
def test_rms_norm(shape, mean, eps, seed):
    rng = np.random.default_rng(seed)
    compare(
        RMSNorm(eps=eps),
        lambda x, gamma: F.rms_norm(x, shape[-1:], gamma, eps),
        mean + rng.standard_normal(shape),
        rng,
    )


@given(
    first=st.lists(LENGTHS, min_size=1, max_size=3),
    groups=LENGTHS,
    width=LENGTHS,
    mean=MEANS,
    eps=EPS,
    seed=SEEDS,
)
def test_group_norm(first, groups, width, mean, eps, seed):
    rng = np.random.default_rng(seed)
    if np.prod(first) * width == 1:
        width = 2  # one value in all is refused there
    compare(
        GroupNorm(groups=groups, eps=eps),
        lambda x, gamma, beta: F.group_norm(x.movedim(-1, 1), groups, gamma, beta, eps).movedim(
            1, -1
        ),
        mean + rng.standard_normal((*first, groups * width)),
        rng,
    )


@given(
    shape=st.lists(LENGTHS, min_size=1, max_size=3),
    entries=st.integers(1, 9),
    units=LENGTHS,
    seed=SEEDS,
)
def test_embedding(shape, entries, units, seed):
    rng = np.random.default_rng(seed)
    layer = Embedding(entries=entries, units=units)
    compare(layer, F.embedding, rng.integers(entries, size=shape), rng)

"""Activations against PyTorch, over shapes, scales and fields drawn at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import Context
from mlpk_plugins.layers.elu import ELU
from mlpk_plugins.layers.gelu import GELU
from mlpk_plugins.layers.hard_sigmoid import HardSigmoid
from mlpk_plugins.layers.hard_swish import HardSwish
from mlpk_plugins.layers.leaky_relu import LeakyReLU
from mlpk_plugins.layers.log_softmax import LogSoftmax
from mlpk_plugins.layers.mish import Mish
from mlpk_plugins.layers.prelu import PReLU
from mlpk_plugins.layers.relu import ReLU
from mlpk_plugins.layers.selu import SELU
from mlpk_plugins.layers.sigmoid import Sigmoid
from mlpk_plugins.layers.silu import SiLU
from mlpk_plugins.layers.softmax import Softmax
from mlpk_plugins.layers.softplus import Softplus
from mlpk_plugins.layers.softsign import Softsign
from mlpk_plugins.layers.tanh import Tanh

torch = pytest.importorskip("torch", reason="needs the extra parity: torch==2.13.0")
torch.set_num_threads(1)
F = torch.nn.functional

SHAPES = st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple)
SCALES = st.sampled_from([0.01, 1.0, 5.0, 100.0, 1e4])
SEEDS = st.integers(0, 2**32 - 1)

PAIRS = [
    (ReLU(), F.relu),
    (Sigmoid(), torch.sigmoid),
    (Tanh(), torch.tanh),
    (Softmax(), lambda x: F.softmax(x, dim=-1)),
    (LogSoftmax(), lambda x: F.log_softmax(x, dim=-1)),
    (LeakyReLU(), F.leaky_relu),
    (ELU(), F.elu),
    (SELU(), F.selu),
    (GELU(), F.gelu),
    (GELU(approximate="tanh"), lambda x: F.gelu(x, approximate="tanh")),
    (SiLU(), F.silu),
    (Mish(), F.mish),
    # From its threshold on PyTorch takes x for log(1 + exp(x)), by default too early for 1e-12.
    (Softplus(), lambda x: F.softplus(x, threshold=40)),
    (Softsign(), F.softsign),
    # The gradient of F.hardsigmoid takes 1/6 in float32: this is its definition.
    (HardSigmoid(), lambda x: F.relu6(x + 3) / 6),
    (HardSwish(), F.hardswish),
]


def compare(layer, function, shape, scale, seed, **params):
    """Assert that output and all gradients agree; `params` go to `function` behind x, in order."""
    rng = np.random.default_rng(seed)
    x, dy = scale * rng.standard_normal(shape), rng.standard_normal(shape)
    ctx = Context("float64", spoil=True)
    grads = {name: np.empty_like(array) for name, array in params.items()}
    y, saved = layer.forward(params, ctx, x)
    y = y.copy()
    dx = layer.backward(params, ctx, saved, dy, grads)
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, *params.values())]
    wanted = function(*leaves)
    wanted.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, wanted.detach().numpy(), rtol=1e-10, atol=1e-12)
    for here, leaf in zip((dx, *grads.values()), leaves, strict=True):
        size = max(1.0, leaf.grad.abs().max().item())
        np.testing.assert_allclose(here, leaf.grad.numpy(), rtol=1e-10, atol=1e-12 * size)


@pytest.mark.parametrize(("layer", "function"), PAIRS, ids=[repr(layer) for layer, _ in PAIRS])
@given(shape=SHAPES, scale=SCALES, seed=SEEDS)
def test_without_fields(layer, function, shape, scale, seed):
    compare(layer, function, shape, scale, seed)


@given(shape=SHAPES, scale=SCALES, seed=SEEDS, slope=st.floats(0, 1))
def test_leaky_relu_with_any_slope(shape, scale, seed, slope):
    compare(LeakyReLU(slope=slope), lambda x: F.leaky_relu(x, slope), shape, scale, seed)


@given(shape=SHAPES, scale=SCALES, seed=SEEDS, alpha=st.floats(0, 3))
def test_elu_with_any_alpha(shape, scale, seed, alpha):
    compare(ELU(alpha=alpha), lambda x: F.elu(x, alpha), shape, scale, seed)


@given(shape=SHAPES, scale=SCALES, seed=SEEDS)
def test_prelu(shape, scale, seed):
    slope = np.random.default_rng(seed + 1).standard_normal(shape[-1])

    def channels_second(x, slope):
        return F.prelu(x.movedim(-1, 1), slope).movedim(1, -1)

    compare(PReLU(), channels_second, shape, scale, seed, slope=slope)

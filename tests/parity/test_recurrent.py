"""Recurrent layers, one way and both ways, against PyTorch; its packed sequences are masks.

PyTorch keeps weights as (gates, in), has two biases everywhere, and a GRU's gates as r, z, n.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk import Context
from mlpk_plugins.layers.bidirectional import Bidirectional
from mlpk_plugins.layers.gru import GRU
from mlpk_plugins.layers.lstm import LSTM
from mlpk_plugins.layers.simple_rnn import SimpleRNN

torch = pytest.importorskip("torch", reason="needs the extra parity: torch==2.13.0")
torch.set_num_threads(1)
packed = torch.nn.utils.rnn

SIZES = st.integers(1, 5)
THEIRS = {SimpleRNN: torch.nn.RNN, GRU: torch.nn.GRU, LSTM: torch.nn.LSTM}
PARTS = {
    "weight": "weight_ih_l0",
    "recurrent": "weight_hh_l0",
    "bias": "bias_ih_l0",
    "recurrent_bias": "bias_hh_l0",
}


def reordered(kind, array):
    """Return an array with the gates on the last axis in PyTorch's order, or back in ours."""
    if kind is not GRU:
        return array
    first, second, n = np.split(array, 3, axis=-1)
    return np.concatenate((second, first, n), axis=-1)


def filled(kind, units, n_in, arrays, *, both):
    """Return PyTorch's module, and its parameter for each of our arrays."""
    module = THEIRS[kind](n_in, units, batch_first=True, bidirectional=both).double()
    pairs = {}
    for name, array in arrays.items():
        direction, _, local = name.rpartition("ward_")
        suffix = "_reverse" if direction == "back" else ""
        pairs[name] = getattr(module, PARTS[local] + suffix)
        pairs[name].data = torch.tensor(reordered(kind, array).T)
    for name, param in module.named_parameters():
        if kind is not GRU and name.startswith("bias_hh"):
            param.data.zero_()
    return module, pairs


def run_theirs(module, x, lengths, *, return_sequences):
    """Return the states after every step, those behind a row's end left at zero, or the last."""
    inputs = packed.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    every, last = module(inputs)
    if return_sequences:
        return packed.pad_packed_sequence(every, batch_first=True, total_length=x.shape[1])[0]
    last = last[0] if isinstance(last, tuple) else last
    return torch.cat(tuple(last), dim=-1)


@pytest.mark.parametrize("kind", list(THEIRS))
@pytest.mark.parametrize("both", [False, True])
@given(
    rows=SIZES,
    time=SIZES,
    n_in=SIZES,
    units=SIZES,
    return_sequences=st.booleans(),
    masked=st.booleans(),
    scale=st.sampled_from([0.1, 1.0, 3.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_recurrent(kind, both, rows, time, n_in, units, return_sequences, masked, scale, seed):
    rng = np.random.default_rng(seed)
    layer = kind(units=units, return_sequences=return_sequences)
    layer = Bidirectional(layer) if both else layer
    x = scale * rng.standard_normal((rows, time, n_in))
    lengths = rng.integers(1, time + 1, rows) if masked else np.full(rows, time)
    there = np.arange(time) < lengths[:, None]
    inputs = (x, there) if masked else (x,)
    params = layer.declare(*(array.shape[1:] for array in inputs)).params
    arrays = {name: scale * rng.standard_normal(param.shape) for name, param in params.items()}
    grads = {name: np.full(param.shape, np.nan) for name, param in params.items()}
    ctx = Context("float64", spoil=True, needs_input_grad=(True, False)[: len(inputs)])
    y, saved = layer.forward(arrays, ctx, *inputs)
    # What a padded step gives is kept here, and zero there: neither is looked at.
    seen = there[..., None] if return_sequences else True
    y, dy = y * seen, rng.standard_normal(y.shape) * seen
    found = layer.backward(arrays, ctx, saved, dy, grads)
    dx = found[0] if masked else found

    module, pairs = filled(kind, units, n_in, arrays, both=both)
    leaf = torch.tensor(x, requires_grad=True)
    wanted = run_theirs(module, leaf, torch.tensor(lengths), return_sequences=return_sequences)
    wanted.backward(torch.tensor(dy))
    near = {"rtol": 1e-8, "atol": 1e-10}
    np.testing.assert_allclose(y, wanted.detach().numpy(), **near)
    np.testing.assert_allclose(dx, leaf.grad.numpy(), **near)
    for name, param in pairs.items():
        np.testing.assert_allclose(grads[name], reordered(kind, param.grad.numpy().T), **near)

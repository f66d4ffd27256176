"""What recurrent layers compute, written out with plain loops."""

import math

import numpy as np
import pytest

from mlpk_plugins.layers.gru import GRU
from mlpk_plugins.layers.lstm import LSTM
from mlpk_plugins.layers.simple_rnn import SimpleRNN


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def gate(arrays, k, x, h, count, bias="bias"):
    """Return unit by unit what enters gate k: sums written out."""
    units = arrays["recurrent"].shape[0]
    columns = range(k * units, (k + 1) * units)
    assert arrays["recurrent"].shape[1] == count * units
    from_x = [
        sum(x[j] * arrays["weight"][j, column] for j in range(len(x))) + arrays["bias"][column]
        for column in columns
    ]
    from_h = [
        sum(h[j] * arrays["recurrent"][j, column] for j in range(units)) for column in columns
    ]
    if bias == "both":
        from_h = [a + arrays["recurrent_bias"][c] for a, c in zip(from_h, columns, strict=True)]
    return from_x, from_h


def simple_rnn_step(arrays, x, state):
    (h,) = state
    from_x, from_h = gate(arrays, 0, x, h, 1)
    return ([math.tanh(a + b) for a, b in zip(from_x, from_h, strict=True)],)


def lstm_step(arrays, x, state):
    h, c = state
    entering = []
    for k in range(4):
        from_x, from_h = gate(arrays, k, x, h, 4)
        entering.append([a + b for a, b in zip(from_x, from_h, strict=True)])
    i, f, g, o = entering
    c = [sigmoid(f[u]) * c[u] + sigmoid(i[u]) * math.tanh(g[u]) for u in range(len(c))]
    return [sigmoid(o[u]) * math.tanh(c[u]) for u in range(len(c))], c


def gru_step(arrays, x, state):
    (h,) = state
    (xz, hz), (xr, hr), (xn, hn) = (gate(arrays, k, x, h, 3, "both") for k in range(3))
    new = []
    for u in range(len(h)):
        z, r = sigmoid(xz[u] + hz[u]), sigmoid(xr[u] + hr[u])
        n = math.tanh(xn[u] + r * hn[u])
        new.append((1 - z) * n + z * h[u])
    return (new,)


STEP = {SimpleRNN: simple_rnn_step, GRU: gru_step, LSTM: lstm_step}


def states_by_loops(layer, arrays, x, mask=None):
    """Return the state h after every step, (n, T, units), with plain loops."""
    states = np.zeros((*x.shape[:2], layer.units))
    for row in range(len(x)):
        state = ([0.0] * layer.units,) * (2 if isinstance(layer, LSTM) else 1)
        for t in range(x.shape[1]):
            if mask is None or mask[row, t]:
                state = STEP[type(layer)](arrays, x[row, t], state)
            states[row, t] = state[0]
    return states


@pytest.fixture(scope="session")
def by_loops():
    """Return what computes the states of a layer one number after the other."""
    return states_by_loops

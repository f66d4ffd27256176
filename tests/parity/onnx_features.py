"""ONNX's operators on vectors, sequences and arrays of any shape, run through mlpk's layers.

`OPERATORS[name]` takes what runs a layer, and the inputs and attributes of a case: an attribute
that is not known here is an error. It returns the first output, or outputs by name.
"""

from math import prod

import numpy as np

from mlpk_plugins.layers.add import Add
from mlpk_plugins.layers.average import Average
from mlpk_plugins.layers.bidirectional import Bidirectional
from mlpk_plugins.layers.concatenate import Concatenate
from mlpk_plugins.layers.dense import Dense
from mlpk_plugins.layers.dot import Dot
from mlpk_plugins.layers.dropout import Dropout
from mlpk_plugins.layers.elu import ELU
from mlpk_plugins.layers.embedding import Embedding
from mlpk_plugins.layers.flatten import Flatten
from mlpk_plugins.layers.gelu import GELU
from mlpk_plugins.layers.gru import GRU
from mlpk_plugins.layers.hard_swish import HardSwish
from mlpk_plugins.layers.identity import Identity
from mlpk_plugins.layers.layer_norm import LayerNorm
from mlpk_plugins.layers.leaky_relu import LeakyReLU
from mlpk_plugins.layers.log_softmax import LogSoftmax
from mlpk_plugins.layers.lstm import LSTM
from mlpk_plugins.layers.maximum import Maximum
from mlpk_plugins.layers.mish import Mish
from mlpk_plugins.layers.multiply import Multiply
from mlpk_plugins.layers.permute import Permute
from mlpk_plugins.layers.prelu import PReLU
from mlpk_plugins.layers.relu import ReLU
from mlpk_plugins.layers.reshape import Reshape
from mlpk_plugins.layers.rms_norm import RMSNorm
from mlpk_plugins.layers.selu import SELU
from mlpk_plugins.layers.sigmoid import Sigmoid
from mlpk_plugins.layers.silu import SiLU
from mlpk_plugins.layers.simple_rnn import SimpleRNN
from mlpk_plugins.layers.softmax import Softmax
from mlpk_plugins.layers.softplus import Softplus
from mlpk_plugins.layers.softsign import Softsign
from mlpk_plugins.layers.subtract import Subtract
from mlpk_plugins.layers.tanh import Tanh


def elementwise(make, **fields):
    """A layer on inputs of one shape; attributes of these names are fields of these names."""

    def operator(run, *x, **attributes):
        return run(make(**{fields[name]: value for name, value in attributes.items()}), *x)

    return operator


def swish(run, x, *, alpha):
    assert alpha == 1
    return run(SiLU(), x)


def on_channels(make):
    """A layer on the last axis, for an operator on `axis`."""

    def operator(run, x, *, axis=-1):
        return np.moveaxis(run(make(), np.moveaxis(x, axis, -1)), -1, axis)

    return operator


def prelu(run, x, slope):
    rows = x.reshape(-1, slope.size)
    return run(PReLU(), rows, slope=slope.ravel()).reshape(x.shape)


def layer_norm(run, x, gamma, beta, *, axis=-1, epsilon=1e-5):
    layer = LayerNorm(axes=x.ndim - axis % x.ndim, eps=epsilon)
    return run(layer, x[np.newaxis], gamma=gamma, beta=beta)[0]


def rms_norm(run, x, gamma, *, axis=-1, epsilon=1e-5):
    rows = x.reshape(-1, prod(x.shape[axis % x.ndim :]))
    return run(RMSNorm(eps=epsilon), rows, gamma=gamma.ravel()).reshape(x.shape)


def gather(run, data, indices, *, axis):
    entries = np.moveaxis(data, axis, 0)
    weight = entries.reshape(len(entries), -1)
    y = run(Embedding(entries=len(weight), units=weight.shape[1]), indices, weight=weight)
    places = range(indices.ndim)
    y = y.reshape(*indices.shape, *entries.shape[1:])
    return np.moveaxis(y, places, [axis + place for place in places])


def concat(run, *x, axis):
    layer = Concatenate(axis=axis + 1 if axis >= 0 else axis)
    return run(layer, *(part[np.newaxis] for part in x))[0]


def flatten(run, x, *, axis=1):
    return run(Flatten(), x.reshape(prod(x.shape[:axis]), *x.shape[axis:]))


def reshape(run, x, shape):
    return run(Reshape(shape=tuple(shape.tolist())), x[np.newaxis])[0]


def transpose(run, x, *, perm=None):
    order = reversed(range(x.ndim)) if perm is None else perm
    return run(Permute(axes=tuple(axis + 1 for axis in order)), x[np.newaxis])[0]


def gemm(run, x, w, c=0.0, *, alpha=1.0, beta=1.0, transA=0, transB=0):  # noqa: N803 - ONNX's names
    x = x.T if transA else x
    w = alpha * (w.T if transB else w)
    bias = np.broadcast_to(beta * c, (1, w.shape[1]))
    return run(Dense(units=w.shape[1]), x, weight=w, bias=bias[0])


def matmul(run, x, y):
    if x.ndim == y.ndim == 1:
        return run(Dot(axes=1), x[np.newaxis], y[np.newaxis])[0, 0]
    if y.ndim == 1:
        return run(Dense(units=1, bias=False), x, weight=y[:, np.newaxis])[..., 0]
    if y.ndim == 2:
        return run(Dense(units=y.shape[1], bias=False), x, weight=y)
    pairs = run(Dot(axes=(2, 1)), *(m.reshape(-1, *m.shape[-2:]) for m in (x, y)))
    return pairs.reshape(*x.shape[:-1], y.shape[-1])


def dropout(run, x, rate=0.5, training=False, *, ratio=None, seed=0):
    """Dropout, whose rate is an attribute in older cases, an input in others."""
    layer = Dropout(rate=float(rate if ratio is None else ratio))
    return run(layer, x, training=bool(training), seed=seed)


def recurrent(make, gates, *, one_bias=True):
    """A recurrent layer, for the gates that stand at these places of ONNX's."""

    def by_gate(rows):
        units = len(rows) // len(gates)
        return rows.reshape(len(gates), units, -1)[gates].reshape(len(rows), -1).T

    def arrays(w, r, b):
        bias, other = (by_gate(part)[0] for part in np.split(b, 2))
        biases = {"bias": bias + other} if one_bias else {"bias": bias, "recurrent_bias": other}
        return {"weight": by_gate(w), "recurrent": by_gate(r), **biases}

    def operator(run, x, w, r, b=None, *, hidden_size, direction="forward", layout=0):
        directions, rows_first = len(w), layout == 1
        b = np.zeros((directions, 2 * w.shape[1])) if b is None else b
        turn = slice(None, None, -1 if direction == "reverse" else 1)
        x = (x if rows_first else x.swapaxes(0, 1))[:, turn]
        named = [arrays(*one) for one in zip(w, r, b, strict=True)]
        every, last = make(units=hidden_size, return_sequences=True), make(units=hidden_size)
        if direction == "bidirectional":
            every, last = Bidirectional(every), Bidirectional(last)
            both = zip(("forward", "backward"), named, strict=True)
            given = {f"{way}_{name}": array for way, its in both for name, array in its.items()}
        else:
            (given,) = named
        states = run(every, x, **given)[:, turn]
        states = states.reshape(*states.shape[:2], directions, hidden_size)
        state = run(last, x, **given).reshape(len(x), directions, hidden_size)
        if rows_first:
            return {"Y": states, "Y_h": state}
        return {"Y": states.transpose(1, 2, 0, 3), "Y_h": state.swapaxes(0, 1)}

    return operator


OPERATORS = {
    "Add": elementwise(Add),
    "Concat": concat,
    "Dropout": dropout,
    "Elu": elementwise(ELU, alpha="alpha"),
    "Flatten": flatten,
    "GRU": recurrent(GRU, [0, 1, 2], one_bias=False),
    "Gather": gather,
    "Gelu": elementwise(GELU, approximate="approximate"),
    "Gemm": gemm,
    "HardSwish": elementwise(HardSwish),
    "Identity": elementwise(Identity),
    "LSTM": recurrent(LSTM, [0, 2, 3, 1]),
    "LayerNormalization": layer_norm,
    "LeakyRelu": elementwise(LeakyReLU, alpha="slope"),
    "LogSoftmax": on_channels(LogSoftmax),
    "MatMul": matmul,
    "Max": elementwise(Maximum),
    "Mean": elementwise(Average),
    "Mish": elementwise(Mish),
    "Mul": elementwise(Multiply),
    "PRelu": prelu,
    "RMSNormalization": rms_norm,
    "RNN": recurrent(SimpleRNN, [0]),
    "Relu": elementwise(ReLU),
    "Reshape": reshape,
    "Selu": elementwise(SELU),
    "Sigmoid": elementwise(Sigmoid),
    "Softmax": on_channels(Softmax),
    "Softplus": elementwise(Softplus),
    "Softsign": elementwise(Softsign),
    "Sub": elementwise(Subtract),
    "Sum": elementwise(Add),
    "Swish": swish,
    "Tanh": elementwise(Tanh),
    "Transpose": transpose,
}

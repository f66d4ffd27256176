"""The steps of an LSTM: gates from what each step sees, times the weights, then its c and h."""

from __future__ import annotations

import numpy as np
from mlpk.arrays import Array

from mlpk_numba.compiled import compiled
from mlpk_numba.curves import sigmoid, tanh
from mlpk_numba.kernel import shared
from mlpk_numba.product import write_product

__all__ = ["run_steps"]


@shared
def run_steps(
    first: int,
    stop: int,
    size: int,
    x: Array,
    there: Array,
    weights: Array,
    bias: Array,
    seen: Array,
    gates: Array,
    c: Array,
    squashed: Array,
    y: Array,
) -> None:
    """Do the pieces from `first` to `stop`, of `size` rows each."""
    n, steps, n_in = x.shape
    units, width = gates.shape[3], weights.shape[3]
    biases = np.broadcast_to(bias[:, np.newaxis], (4, size, units))
    nothing, one = seen.dtype.type(0), seen.dtype.type(1)
    for begin in range(first * size, min(n, stop * size), size):
        end = min(n, begin + size)
        seen[0, begin:end, :units] = 0
        c[0, begin:end] = 0
        for t in range(steps):
            for row in range(begin, end):
                shown = not there.size or there[row, t]
                for k in range(n_in):
                    seen[t, row, units + k] = x[row, t, k] if shown else nothing
                seen[t, row, units + n_in] = one
            inputs = seen[t : t + 1, begin:end, np.newaxis, :-1]
            for gate in range(4):
                for at in range(len(weights)):
                    columns = slice(at * width, (at + 1) * width)
                    z = gates[t, gate : gate + 1, begin:end, columns]
                    start = biases[gate : gate + 1, :, columns]
                    write_product(inputs, weights[at, gate : gate + 1], start, z)
                its = gates[t, gate, begin:end].reshape(-1)
                _to_tanh(its) if gate == 2 else _to_sigmoid(its)  # noqa: PLR2004 - i, f, g, o
            _cell(
                gates[t, 0, begin:end].reshape(-1),
                gates[t, 1, begin:end].reshape(-1),
                gates[t, 2, begin:end].reshape(-1),
                c[t, begin:end].reshape(-1),
                c[t + 1, begin:end].reshape(-1),
                squashed[t, begin:end].reshape(-1),
            )
            for row in range(begin, end):
                if there.size and not there[row, t]:
                    for u in range(units):
                        seen[t + 1, row, u] = seen[t, row, u]
                        c[t + 1, row, u] = c[t, row, u]
                else:
                    for u in range(units):
                        seen[t + 1, row, u] = gates[t, 3, row, u] * squashed[t, row, u]
                if y.shape[1] == steps or t == steps - 1:
                    for u in range(units):
                        y[row, min(t, y.shape[1] - 1), u] = seen[t + 1, row, u]


@compiled
def _to_tanh(z: Array) -> None:
    for k in range(z.size):
        z[k] = tanh(z[k])


@compiled
def _to_sigmoid(z: Array) -> None:
    for k in range(z.size):
        z[k] = sigmoid(z[k])


@compiled
def _cell(i: Array, f: Array, g: Array, old_c: Array, c: Array, squashed: Array) -> None:
    """Write c = f * old_c + i * g; squashed = tanh(c). Each array is (rows * units,)."""
    for k in range(c.size):
        c[k] = f[k] * old_c[k] + i[k] * g[k]
    for k in range(c.size):
        squashed[k] = tanh(c[k])

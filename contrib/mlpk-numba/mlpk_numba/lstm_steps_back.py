"""The way back through the steps of an LSTM, and the gradients of its weights along with them."""

from __future__ import annotations

from mlpk.arrays import Array
from numpy.lib.stride_tricks import as_strided

from mlpk_numba.compiled import compiled
from mlpk_numba.fill import fill
from mlpk_numba.kernel import shared
from mlpk_numba.product import add_product, panel

__all__ = ["join_sums", "run_steps_back"]


@shared
def run_steps_back(
    first: int,
    stop: int,
    size: int,
    dy: Array,
    seen: Array,
    gates: Array,
    c: Array,
    squashed: Array,
    there: Array,
    turned: Array,
    turned_back: Array,
    dz: Array,
    state: Array,
    dx: Array,
    sums: Array,
) -> None:
    """Do the pieces from `first` to `stop`: dy (n, T or 1, units) is of all states, or of the last.

    Each leaves its share of the gradients of weight, recurrent and bias in `sums`. dz (pieces,
    steps, 4, rows, units) is of the last steps alone; seen is (T + 1, n, units + n_in + 1).
    """
    steps, _, n, units = gates.shape
    # Here: of an array that Python turns, numba sees another type where a length is 1.
    seen_turned, dz_by_rows = _turned(seen), _by_rows(dz)
    for piece in range(first, stop):
        begin, end = piece * size, min(n, (piece + 1) * size)
        depth, dh = dz.shape[1], state[0, begin:end]
        fill(state[0, begin:end].reshape(-1), 0)
        fill(state[1, begin:end].reshape(-1), 0)
        fill(sums[piece].reshape(-1), 0)
        done = steps
        for t in range(steps - 1, -1, -1):
            if dy.shape[1] == steps or t == steps - 1:
                for row in range(begin, end):
                    for u in range(units):
                        state[0, row, u] += dy[row, min(t, dy.shape[1] - 1), u]
            dnow = dz[piece, t - done]
            length = 1 if there.size else end - begin
            for row in range(begin, end, length):
                if there.size and not there[row, t]:
                    dnow[:, row - begin] = 0
                    continue
                here, its = slice(row, row + length), slice(row - begin, row - begin + length)
                _cell_back(
                    gates[t, 0, here].reshape(-1),
                    gates[t, 1, here].reshape(-1),
                    gates[t, 2, here].reshape(-1),
                    gates[t, 3, here].reshape(-1),
                    c[t, here].reshape(-1),
                    squashed[t, here].reshape(-1),
                    state[0, here].reshape(-1),
                    state[1, here].reshape(-1),
                    dnow[0, its].reshape(-1),
                    dnow[1, its].reshape(-1),
                    dnow[2, its].reshape(-1),
                    dnow[3, its].reshape(-1),
                )
            by_rows = dz_by_rows[piece, t - done, : end - begin]
            _add_panels(by_rows, turned, dh)
            if dx.size:
                dx[begin:end, t] = 0
                _add_panels(by_rows, turned_back, dx[begin:end, t])
            if done - t == depth or t == 0:
                its_dz = dz[piece, t - done :, :, : end - begin]
                _add_gradients(seen_turned[:, t:done, begin:end], its_dz, sums[piece])
                done = t


@compiled
def _turned(x: Array) -> Array:
    """Return x (a, b, c) as (c, a, b), which numba's `transpose` takes seconds to compile for."""
    (a, b, c), (outer, middle, inner) = x.shape, x.strides
    return as_strided(x, (c, a, b), (inner, outer, middle))


@compiled
def _by_rows(dz: Array) -> Array:
    """Return dz (pieces, steps, 4, rows, units) as (pieces, steps, rows, 4, units)."""
    (pieces, steps, gates, rows, units), strides = dz.shape, dz.strides
    shape = pieces, steps, rows, gates, units
    return as_strided(dz, shape, (strides[0], strides[1], strides[3], strides[2], strides[4]))


@compiled
def _add_panels(a: Array, b: Array, c: Array) -> None:
    """Add to c (rows, columns) the product of a (rows, I, K) and b, panel by panel."""
    width = b.shape[3]
    for at in range(len(b)):
        add_product(a, b[at, :, :, :width], c[:, at * width : (at + 1) * width])


@compiled
def _cell_back(
    i: Array,
    f: Array,
    g: Array,
    o: Array,
    old_c: Array,
    squashed: Array,
    dh: Array,
    dc: Array,
    di: Array,
    df: Array,
    dg: Array,
    do: Array,
) -> None:
    """Write do = dh * squashed * o * (1 - o); dc += dh * o * (1 - squashed**2).

    di = dc * g * i * (1 - i); dg = dc * i * (1 - g**2); df = dc * old_c * f * (1 - f). Left for the
    step before: dc * f, and dh = 0, to which the weights add. Each array is (rows * units,).

    A loop over more arrays than these would ask too often whether they overlap to use vectors.
    """
    one = i.dtype.type(1)
    for k in range(i.size):
        do[k] = dh[k] * squashed[k] * o[k] * (one - o[k])
        dc[k] += dh[k] * o[k] * (one - squashed[k] * squashed[k])
    for k in range(i.size):
        di[k] = dc[k] * g[k] * i[k] * (one - i[k])
        dg[k] = dc[k] * i[k] * (one - g[k] * g[k])
    for k in range(i.size):
        df[k] = dc[k] * old_c[k] * f[k] * (one - f[k])
        dc[k] *= f[k]
    fill(dh, 0)


@compiled
def _add_gradients(seen_turned: Array, dz: Array, sums: Array) -> None:
    """Add to `sums` the product of seen_turned (units + n_in + 1, steps, rows) and dz.

    dz is (steps, 4, rows, units).
    """
    for gate in range(4):
        start = 0
        while start < dz.shape[3]:
            part = panel(dz[:, gate], start)
            add_product(seen_turned, part, sums[:, gate, start : start + part.shape[2]])
            start += part.shape[2]


@compiled
def join_sums(sums: Array, recurrent: Array, weight: Array, bias: Array) -> None:
    """Write the sums over all pieces, in their order."""
    start = 0
    for gradient in (recurrent, weight, bias):
        gradient[:] = 0
        for piece in range(len(sums)):
            for row in range(len(gradient)):
                for gate in range(4):
                    for u in range(gradient.shape[2]):
                        gradient[row, gate, u] += sums[piece, start + row, gate, u]
        start += len(gradient)

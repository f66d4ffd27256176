"""The states of recurrent layers, h (T + 1, n, units): step t leads from h[t] to h[t + 1]."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from mlpk import Context, Example, Layer
from mlpk.arrays import Array


def states(ctx: Context, name: str, z: Array, units: int) -> Array:
    """Return memory for the states before and after each step of z (T, n, ...), the first 0."""
    memory = ctx.empty(name, (len(z) + 1, z.shape[1], units))
    memory[0] = 0
    return memory


def output(h: Array, *, return_sequences: bool) -> Array:
    """Return the states after every step, (n, T, units), or after the last, (n, units)."""
    return h[1:].swapaxes(0, 1) if return_sequences else h[-1]


def back_in_time(ctx: Context, h: Array, dy: Array) -> Iterator[tuple[int, Array, Array]]:
    """Yield (t, dh, earlier) from the last step to the first, for dy of what `output` returned.

    dh is the gradient of h[t + 1]. Whoever loops writes that of h[t] to `earlier`, which becomes
    the next dh, and may overwrite dh.
    """
    dh, earlier = ctx.empty("dh", h.shape[1:]), ctx.empty("earlier", h.shape[1:])
    of_sequences = dy.ndim == h.ndim
    dh[...] = 0 if of_sequences else dy
    for t in reversed(range(len(h) - 1)):
        if of_sequences:
            dh += dy[:, t]
        yield t, dh, earlier
        dh, earlier = earlier, dh


def recurrent_gradient(h: Array, dz: Array, out: Array) -> None:
    """Write the gradient of R, where z takes h[t] R at each step t, to out (units, width)."""
    before = h[:-1].reshape(-1, h.shape[-1])
    np.matmul(before.T, dz.reshape(-1, dz.shape[-1]), out=out)


def gates_of(z: Array, count: int) -> Array:
    """Return the gates of z (T, n, count * units) as views: (count, T, n, units)."""
    gates = z.reshape(*z.shape[:-1], count, z.shape[-1] // count)
    return np.moveaxis(gates, -2, 0)


def examples_of(layer: Callable[..., Layer]) -> Iterator[Example]:
    """Yield a recurrent layer's last state and all of its states, without a mask and with one."""
    yield Example(layer(units=3), (4, 2))
    yield Example(layer(units=2, return_sequences=True), (None, 3))
    for sequences in (False, True):
        masked = layer(units=2, return_sequences=sequences)
        yield Example(masked, (None, 3), (None,), draw=sequence_and_mask)


def sequence_and_mask(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Draw n rows for an example on (None, 3) and (None,), more than half of the steps unmasked."""
    return rng.standard_normal((n, 5, 3)), rng.random((n, 5)) < 0.6  # noqa: PLR2004 - a share

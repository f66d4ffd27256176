"""What recurrent layers share: time comes first, and inputs meet their weights all at once.

Sequences x (n, T, n_in) are worked on as steps (T, n, n_in), so that one step of all rows lies in
one piece. States h (T + 1, n, units) begin with zeros: step t leads from h[t] to h[t + 1].
"""

from __future__ import annotations

import numpy as np

from mlpk import Context, DataError, ShapeError
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.sums import column_sums


def sequence_width(x: Shape, mask: Shape | None) -> int:
    """Return n_in of a sequence (T, n_in) with, if there is one, a mask (T,); refuse others."""
    if len(x) != 2:  # noqa: PLR2004 - time and features
        raise ShapeError(f"wanted a sequence, (time, features) beside the batch, found {x}")
    fits = mask is None or (len(mask) == 1 and (None in (mask[0], x[0]) or mask[0] == x[0]))
    if not fits:
        raise ShapeError(f"wanted a mask of shape ({x[0]},) for a sequence {x}, found {mask}")
    return known(x[1])


def masked_steps(ctx: Context, x: Array, mask: Array | None) -> Array | None:
    """Return where the mask is false, by time: (T, n, 1); None without a mask."""
    if mask is None:
        return None
    if mask.dtype.kind != "b":
        raise DataError(
            f"wanted a mask of dtype bool as second input, found {mask.dtype}; make it with "
            'mlpk.Input(..., dtype="bool")'
        )
    if mask.shape != x.shape[:2]:
        raise ShapeError(f"wanted a mask of shape {x.shape[:2]}, found {mask.shape}")
    masked = ctx.empty("masked", (*mask.T.shape, 1), np.bool_)
    np.logical_not(mask.T, out=masked[..., 0])
    return masked


def by_time(ctx: Context, x: Array, masked: Array | None) -> Array:
    """Return the steps of x (n, T, n_in): (T, n, n_in), masked ones as zeros, whatever they hold."""
    turned = x.swapaxes(0, 1)
    steps = ctx.empty("steps", turned.shape)
    np.copyto(steps, turned)
    if masked is not None:
        np.copyto(steps, 0, where=masked)
    return steps


def driven(ctx: Context, arrays: Arrays, steps: Array) -> Array:
    """Return x W + b of all steps: (T, n, width), width the columns of the weight."""
    weight = arrays["weight"]
    z = ctx.empty("z", (*steps.shape[:-1], weight.shape[1]))
    np.matmul(_rows(steps), weight, out=_rows(z))
    z += arrays["bias"]
    return z


def driven_back(
    ctx: Context, arrays: Arrays, steps: Array, dz: Array, grads: Grads
) -> Array | None:
    """Write the gradients of weight and bias for dz (T, n, width), and return that of x."""
    np.matmul(_rows(steps).T, _rows(dz), out=grads["weight"])
    column_sums(ctx, _rows(dz), grads["bias"])
    if not ctx.needs_input_grad[0]:
        return None
    dsteps = ctx.empty("dsteps", steps.shape)
    np.matmul(_rows(dz), arrays["weight"].T, out=_rows(dsteps))
    return dsteps.swapaxes(0, 1)


def recurrent_gradient(h: Array, dz: Array, out: Array) -> None:
    """Write the gradient of R, where z takes h[t] R at each step t, to out (units, width)."""
    np.matmul(_rows(h[:-1]).T, _rows(dz), out=out)


def states(ctx: Context, name: str, steps: Array, units: int) -> Array:
    """Return memory for the states before and after each step, the first of them zeros."""
    memory = ctx.empty(name, (len(steps) + 1, steps.shape[1], units))
    memory[0] = 0
    return memory


def output(h: Array, *, return_sequences: bool) -> Array:
    """Return the states after every step, (n, T, units), or after the last, (n, units)."""
    return h[1:].swapaxes(0, 1) if return_sequences else h[-1]


def gates_of(z: Array, count: int) -> Array:
    """Return the gates of z (T, n, count * units) as views: (count, T, n, units)."""
    gates = z.reshape(*z.shape[:-1], count, z.shape[-1] // count)
    return np.moveaxis(gates, -2, 0)


def sequence_and_mask(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Draw n rows for an example on (None, 3) and (None,), more than half of the steps unmasked."""
    return rng.standard_normal((n, 5, 3)), rng.random((n, 5)) < 0.6  # noqa: PLR2004 - a share


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])

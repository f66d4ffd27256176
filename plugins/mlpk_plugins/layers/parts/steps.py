"""Sequences as recurrent layers take them: time comes first, rows last.

A gate of all rows then lies in one piece, (units, n), and what enters it at a step is a single
product, [W; b; R]' [x; 1; h].
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import repeat
from typing import NamedTuple

import numpy as np

from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.mask import check_mask, masked_sequence_shape


class Step(NamedTuple):
    """One step of a batch of sequences."""

    given: Array  # (n_in + 1 + units, n): x, 1 and h
    h: Array  # (units, n), in `given`: the state before
    after: Array  # (units, n): the state after, which is the next step's h
    masked: Array | None  # (1, n): where the mask is false; None without a mask


class Steps(NamedTuple):
    """A batch of sequences, step by step, and what all steps are views of."""

    each: list[Step]
    given: Array  # (T + 1, n_in + 1 + units, n), of which the last has no x
    x: Array  # (T, n_in, n), in `given`: zeros where masked, whatever stood there
    h: Array  # (T + 1, units, n), in `given`; the first is 0

    @classmethod
    def of(cls, ctx: Context, units: int, x: Array, mask: Array | None) -> Steps:
        """Return the steps of x (n, T, n_in) with, if there is one, a mask (n, T)."""
        n, count, n_in = x.shape
        given = ctx.empty("given", (count + 1, n_in + 1 + units, n))
        steps, h = given[:-1, :n_in], given[:, n_in + 1 :]
        np.copyto(steps, x.transpose(1, 2, 0))
        given[:, n_in] = 1
        h[0] = 0
        masked = None
        if mask is not None:
            check_mask(x, mask)
            masked = np.logical_not(
                mask.T[:, None], out=ctx.empty("masked", (count, 1, n), np.bool_)
            )
            np.copyto(steps, 0, where=masked)
        each = ctx.views("steps", (given, masked), partial(_each, n_in))
        return cls(each, given, steps, h)

    def output(self, *, return_sequences: bool) -> Array:
        """Return the states after every step, (n, T, units), or after the last, (n, units)."""
        return self.h[1:].transpose(2, 0, 1) if return_sequences else self.h[-1].T

    def dx(
        self, ctx: Context, weight: Array, dz: Array
    ) -> Array | tuple[Array | None, None] | None:
        """Return the gradients of the inputs for that of x W at all steps, dz (width, T * n)."""
        dx = None
        if ctx.needs_input_grad[0]:
            count, n_in, n = self.x.shape
            product = np.matmul(weight, dz, out=ctx.empty("dx", (n_in, count * n)))
            dx = product.reshape(n_in, count, n).transpose(2, 1, 0)
        return dx if len(ctx.needs_input_grad) == 1 else (dx, None)


def _each(n_in: int, given: Array, masked: Array | None) -> list[Step]:
    """Return the views of all steps."""
    h = given[:, n_in + 1 :]
    masks: Iterable[Array | None] = repeat(None) if masked is None else masked
    return [Step(*parts) for parts in zip(given, h, h[1:], masks, strict=False)]


def stacked(ctx: Context, arrays: Arrays) -> Array:
    """Return [W; b; R], (n_in + 1 + units, width)."""
    parts = arrays["weight"], arrays["bias"][None], arrays["recurrent"]
    shape = (sum(map(len, parts)), parts[0].shape[1])
    return np.concatenate(parts, out=ctx.empty("stacked", shape))


def unstacked(gradient: Array, grads: Grads) -> None:
    """Write the gradient of [W; b; R] to those of its parts."""
    n_in = len(grads["weight"])
    np.copyto(grads["weight"], gradient[:n_in])
    np.copyto(grads["bias"], gradient[n_in])
    np.copyto(grads["recurrent"], gradient[n_in + 1 :])


def beside(ctx: Context, name: str, each: Array) -> Array:
    """Return what `each` holds of all steps, (T, width, n), beside one another: (width, T * n)."""
    count, width, n = each.shape
    laid = ctx.empty(name, (width, count, n))
    np.copyto(laid, each.swapaxes(0, 1))
    return laid.reshape(width, count * n)


def stack_gradient(ctx: Context, given: Array, dz: Array) -> Array:
    """Return the gradient of A (rows, width), where z = A' given, for all steps beside one another."""
    return np.matmul(dz, given.T, out=ctx.empty("gradient", (len(dz), len(given)))).T


def sequence_width(x: Shape, mask: Shape | None) -> int:
    """Return n_in of a sequence (T, n_in) with, if there is one, a mask (T,); refuse others."""
    _, features = masked_sequence_shape(x, mask)
    return known(features)

"""Sequences as recurrent layers take them: time comes first, and all steps meet W at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlpk import Context
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.mask import check_mask, masked_sequence_shape
from mlpk_plugins.layers.parts.sums import column_sums


class Steps(NamedTuple):
    """A batch of sequences, step by step, so that one step of all rows lies in one piece."""

    x: Array  # (T, n, n_in): zeros where masked, whatever stood there
    masked: Array | None  # (T, n, 1): where the mask is false; None without a mask

    @classmethod
    def of(cls, ctx: Context, x: Array, mask: Array | None) -> Steps:
        """Return the steps of x (n, T, n_in) with, if there is one, a mask (n, T)."""
        turned = x.swapaxes(0, 1)
        steps = ctx.empty("steps", turned.shape)
        np.copyto(steps, turned)
        if mask is None:
            return cls(steps, None)
        masked = _masked(ctx, x, mask)
        np.copyto(steps, 0, where=masked)
        return cls(steps, masked)

    def driven(self, ctx: Context, arrays: Arrays) -> Array:
        """Return x W + b of all steps: (T, n, width), width the columns of the weight."""
        weight = arrays["weight"]
        z = ctx.empty("z", (*self.x.shape[:-1], weight.shape[1]))
        np.matmul(_rows(self.x), weight, out=_rows(z))
        z += arrays["bias"]
        return z

    def driven_back(
        self, ctx: Context, arrays: Arrays, dz: Array, grads: Grads
    ) -> Array | tuple[Array | None, None] | None:
        """Write the gradients of weight and bias for dz (T, n, width); return those of the inputs."""
        np.matmul(_rows(self.x).T, _rows(dz), out=grads["weight"])
        column_sums(ctx, _rows(dz), grads["bias"])
        dx = None
        if ctx.needs_input_grad[0]:
            dsteps = ctx.empty("dsteps", self.x.shape)
            np.matmul(_rows(dz), arrays["weight"].T, out=_rows(dsteps))
            dx = dsteps.swapaxes(0, 1)
        return dx if self.masked is None else (dx, None)


def sequence_width(x: Shape, mask: Shape | None) -> int:
    """Return n_in of a sequence (T, n_in) with, if there is one, a mask (T,); refuse others."""
    _, features = masked_sequence_shape(x, mask)
    return known(features)


def _masked(ctx: Context, x: Array, mask: Array) -> Array:
    check_mask(x, mask)
    masked = ctx.empty("masked", (*mask.T.shape, 1), np.bool_)
    np.logical_not(mask.T, out=masked[..., 0])
    return masked


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])

"""The simple recurrent layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.recurrence import (
    by_time,
    driven,
    driven_back,
    masked_steps,
    output,
    recurrent_gradient,
    sequence_and_mask,
    sequence_width,
    states,
)


class Saved(NamedTuple):
    """What the way back needs, by time."""

    steps: Array  # (T, n, n_in)
    h: Array  # (T + 1, n, units)
    masked: Array | None  # (T, n, 1)


@define
class SimpleRNN(Layer):
    """h' = tanh(x W + h R + b) at each step, from h = 0.

    x (n, T, n_in), and maybe a mask (n, T), bool -> h after the last step, (n, units), or with
    `return_sequences` after every step, (n, T, units). Where the mask is false the state stays as
    it is. weight (n_in, units), recurrent (units, units), bias (units,).

    units >= 1. Elman, Finding structure in time, Cognitive Science 1990.
    """

    kind: ClassVar[str] = "simple_rnn"

    units: int = field(validator=ge(1))
    return_sequences: bool = False
    init: Initializer | str = "glorot_uniform"
    recurrent_init: Initializer | str = "orthogonal"

    def declare(self, x: Shape, mask: Shape | None = None) -> Declaration:
        params = {
            "weight": Param((sequence_width(x, mask), self.units), self.init),
            "recurrent": Param((self.units, self.units), self.recurrent_init),
            "bias": Param((self.units,), "zeros", decay=False),
        }
        return Declaration((x[0], self.units) if self.return_sequences else (self.units,), params)

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
    ) -> tuple[Array, Saved]:
        masked = masked_steps(ctx, x, mask)
        steps = by_time(ctx, x, masked)
        z, h = driven(ctx, arrays, steps), states(ctx, "h", steps, self.units)
        for t in range(len(steps)):
            np.matmul(h[t], arrays["recurrent"], out=h[t + 1])
            h[t + 1] += z[t]
            np.tanh(h[t + 1], out=h[t + 1])
            if masked is not None:
                np.copyto(h[t + 1], h[t], where=masked[t])
        return output(h, return_sequences=self.return_sequences), Saved(steps, h, masked)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, None] | None:
        steps, h, masked = saved
        # dz but for the factor dh, for all steps at once.
        dz = np.multiply(h[1:], h[1:], out=ctx.empty("dz", h[1:].shape))
        np.subtract(1, dz, out=dz)
        if masked is not None:
            np.copyto(dz, 0, where=masked)
        dh, earlier = ctx.empty("dh", h.shape[1:]), ctx.empty("earlier", h.shape[1:])
        dh[...] = 0 if self.return_sequences else dy
        for t in reversed(range(len(steps))):
            if self.return_sequences:
                dh += dy[:, t]
            dz[t] *= dh
            np.matmul(dz[t], arrays["recurrent"].T, out=earlier)
            if masked is not None:
                np.copyto(earlier, dh, where=masked[t])
            dh, earlier = earlier, dh
        recurrent_gradient(h, dz, grads["recurrent"])
        dx = driven_back(ctx, arrays, steps, dz, grads)
        return dx if masked is None else (dx, None)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(units=3), (4, 2))
        yield Example(cls(units=2, return_sequences=True), (None, 3))
        for sequences in (False, True):
            layer = cls(units=2, return_sequences=sequences)
            yield Example(layer, (None, 3), (None,), draw=sequence_and_mask)

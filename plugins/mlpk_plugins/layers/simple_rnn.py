"""The simple recurrent layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.recurrence import (
    back_in_time,
    examples_of,
    output,
    recurrent_gradient,
    states,
)
from mlpk_plugins.layers.parts.steps import Steps, sequence_width


@define
class SimpleRNN(Layer):
    """h' = tanh(x W + h R + b) at each step, from h = 0.

    x (n, T, n_in), and maybe a mask (n, T), bool -> h after the last step, (n, units), or with
    `return_sequences` after every step, (n, T, units). Where the mask is false the state stays as
    it is. weight (n_in, units), recurrent (units, units), bias (units,).

    units >= 1. Elman, Finding structure in time, Cognitive Science 1990.
    """

    kind: ClassVar[str] = "simple_rnn"
    takes: ClassVar[tuple[str, ...]] = ("real", "bool")

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
        output = (x[0], self.units) if self.return_sequences else (self.units,)
        return Declaration(output, params, positions=x[:1])

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array, mask: Array | None = None
    ) -> tuple[Array, tuple[Steps, Array]]:
        steps = Steps.of(ctx, x, mask)
        z = steps.driven(ctx, arrays)
        h = states(ctx, "h", z, self.units)
        for t in range(len(z)):
            np.matmul(h[t], arrays["recurrent"], out=h[t + 1])
            h[t + 1] += z[t]
            np.tanh(h[t + 1], out=h[t + 1])
            if steps.masked is not None:
                np.copyto(h[t + 1], h[t], where=steps.masked[t])
        return output(h, return_sequences=self.return_sequences), (steps, h)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: tuple[Steps, Array], dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, None] | None:
        steps, h = saved
        # dz but for the factor dh, for all steps at once.
        dz = np.multiply(h[1:], h[1:], out=ctx.empty("dz", h[1:].shape))
        np.subtract(1, dz, out=dz)
        if steps.masked is not None:
            np.copyto(dz, 0, where=steps.masked)
        for t, dh, earlier in back_in_time(ctx, h, dy):
            dz[t] *= dh
            np.matmul(dz[t], arrays["recurrent"].T, out=earlier)
            if steps.masked is not None:
                np.copyto(earlier, dh, where=steps.masked[t])
        recurrent_gradient(h, dz, grads["recurrent"])
        return steps.driven_back(ctx, arrays, dz, grads)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return examples_of(cls)

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
from mlpk_plugins.layers.parts.products import in_pieces
from mlpk_plugins.layers.parts.recurrence import back_in_time, examples_of
from mlpk_plugins.layers.parts.steps import (
    Steps,
    beside,
    sequence_width,
    stack_gradient,
    stacked,
    unstacked,
)


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
    ) -> tuple[Array, Steps]:
        steps = Steps.of(ctx, self.units, x, mask)
        entering = in_pieces(stacked(ctx, arrays).T, len(x))
        for step in steps.each:
            after = step.after
            np.matmul(entering, step.given, out=after.reshape(*entering.shape[:2], len(x)))
            np.tanh(after, out=after)
            if step.masked is not None:
                np.copyto(after, step.h, where=step.masked)
        return steps.output(return_sequences=self.return_sequences), steps

    def backward(
        self, arrays: Arrays, ctx: Context, steps: Steps, dy: Array, grads: Grads
    ) -> Array | tuple[Array | None, None] | None:
        states = steps.h[1:]
        slopes = ctx.empty("slopes", states.shape)
        recurrent = in_pieces(arrays["recurrent"], len(dy))
        for (step, dh, earlier), dz in zip(back_in_time(ctx, steps, dy), slopes[::-1], strict=True):
            np.subtract(1, np.multiply(step.after, step.after, out=dz), out=dz)
            np.multiply(dz, dh, out=dz)
            if step.masked is not None:
                np.copyto(dz, 0, where=step.masked)
            np.matmul(recurrent, dz, out=earlier.reshape(*recurrent.shape[:2], len(dy)))
            if step.masked is not None:
                np.copyto(earlier, dh, where=step.masked)
        dz = beside(ctx, "dz", slopes)
        unstacked(stack_gradient(ctx, beside(ctx, "seen", steps.given[:-1]), dz), grads)
        return steps.dx(ctx, arrays["weight"], dz)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return examples_of(cls)

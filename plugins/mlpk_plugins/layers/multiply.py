"""Multiply: the product of several inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.agreement import agreed


@define
class Multiply(Layer):
    """y = x_1 * x_2 * ..., elementwise; the gradient of each input is dy times all others.

    Two or more inputs of one shape (...) -> y (...); nothing is broadcast.
    """

    kind: ClassVar[str] = "multiply"

    def declare(self, *inputs: Shape) -> Declaration:
        return Declaration(agreed(inputs))

    def forward(
        self, arrays: Arrays, ctx: Context, *inputs: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        agreed([x.shape for x in inputs])
        first, second, *rest = inputs
        y = np.multiply(first, second, out=ctx.empty("y", first.shape))
        for x in rest:
            y *= x
        return y, inputs

    def backward(
        self, arrays: Arrays, ctx: Context, inputs: tuple[Array, ...], dy: Array, grads: Grads
    ) -> tuple[Array | None, ...]:
        return tuple(
            _times(dy, inputs[:place] + inputs[place + 1 :], ctx.empty(f"dx{place}", dy.shape))
            if needed
            else None
            for place, needed in enumerate(ctx.needs_input_grad)
        )

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,), (3,))
        yield Example(cls(), (2, 3), (2, 3), (2, 3))
        yield Example(cls(), (None, 2), (None, 2))


def _times(dy: Array, others: tuple[Array, ...], out: Array) -> Array:
    """Write dy * others[0] * others[1] * ... to `out`."""
    np.multiply(dy, others[0], out=out)
    for x in others[1:]:
        out *= x
    return out

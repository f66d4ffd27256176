"""Add: the sum of several inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.agreement import agreed


@define
class Add(Layer):
    """y = x_1 + x_2 + ..., elementwise.

    Two or more inputs of one shape (...) -> y (...); nothing is broadcast.
    """

    kind: ClassVar[str] = "add"

    def declare(self, *inputs: Shape) -> Declaration:
        return Declaration(agreed(inputs))

    def forward(self, arrays: Arrays, ctx: Context, *inputs: Array) -> tuple[Array, None]:
        agreed([x.shape for x in inputs])
        first, second, *rest = inputs
        y = np.add(first, second, out=ctx.empty("y", first.shape))
        for x in rest:
            y += x
        return y, None

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> tuple[Array | None, ...]:
        return tuple(dy if needed else None for needed in ctx.needs_input_grad)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,), (3,), linear=True)
        yield Example(cls(), (2, 3), (2, 3), (2, 3), linear=True)
        yield Example(cls(), (None, 2), (None, 2), linear=True)

"""Sigmoid: the logistic function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.logistic import logistic


@define
class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x)), elementwise, in (0, 1).

    x (...) -> y (...). It never overflows, and keeps its relative precision where y is close to 0.
    """

    kind: ClassVar[str] = "sigmoid"
    gives: ClassVar[str] = "probabilities"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y = logistic(ctx, "y", x)
        return y, y

    def backward(
        self, arrays: Arrays, ctx: Context, y: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx = np.subtract(1, y, out=ctx.empty("dx", y.shape))
        dx *= y
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,))
        yield Example(cls(), (None, 3))

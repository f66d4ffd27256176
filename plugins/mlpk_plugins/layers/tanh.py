"""Tanh: the hyperbolic tangent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape


@define
class Tanh(Layer):
    """y = tanh(x), elementwise, in (-1, 1); dy/dx = 1 - y**2.

    x (...) -> y (...)
    """

    kind: ClassVar[str] = "tanh"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y = np.tanh(x, out=ctx.empty("y", x.shape))
        return y, y

    def backward(
        self, arrays: Arrays, ctx: Context, y: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx = np.multiply(y, y, out=ctx.empty("dx", y.shape))
        np.subtract(1, dx, out=dx)
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,))
        yield Example(cls(), (None, 3))

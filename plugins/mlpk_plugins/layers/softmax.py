"""Softmax: scores become probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.input_shapes import last_axis


@define
class Softmax(Layer):
    """y_c = exp(x_c) / sum_k exp(x_k), over the last axis.

    x (..., classes) -> y (..., classes), each in [0, 1], with sum 1. The largest score is taken
    off first, which changes nothing but that no exp overflows.
    """

    kind: ClassVar[str] = "softmax"
    gives: ClassVar[str] = "probabilities"

    def declare(self, x: Shape) -> Declaration:
        last_axis(x, "classes")
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        row = ctx.empty("row", (*x.shape[:-1], 1))
        np.maximum.reduce(x, axis=-1, keepdims=True, out=row)
        y = np.subtract(x, row, out=ctx.empty("y", x.shape))
        np.exp(y, out=y)
        y /= np.add.reduce(y, axis=-1, keepdims=True, out=row)
        return y, y

    def backward(
        self, arrays: Arrays, ctx: Context, y: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx = np.multiply(y, dy, out=ctx.empty("dx", y.shape))
        row = ctx.empty("row", (*y.shape[:-1], 1))
        np.add.reduce(dx, axis=-1, keepdims=True, out=row)
        np.subtract(dy, row, out=dx)
        dx *= y
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(), (None, 4))

"""LogSoftmax: scores become logarithms of probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.input_shapes import last_axis


@define
class LogSoftmax(Layer):
    """y_c = x_c - log(sum_k exp(x_k)), over the last axis; dx = dy - exp(y) * sum(dy).

    x (..., classes) -> y (..., classes), each at most 0. The largest score is taken off first,
    which changes nothing but that no exp overflows.
    """

    kind: ClassVar[str] = "log_softmax"

    def declare(self, x: Shape) -> Declaration:
        last_axis(x, "classes")
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        row = ctx.empty("row", (*x.shape[:-1], 1))
        np.maximum.reduce(x, axis=-1, keepdims=True, out=row)
        y = np.subtract(x, row, out=ctx.empty("y", x.shape))
        np.add.reduce(np.exp(y, out=ctx.empty("exp", x.shape)), axis=-1, keepdims=True, out=row)
        y -= np.log(row, out=row)
        return y, y

    def backward(
        self, arrays: Arrays, ctx: Context, y: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        row = ctx.empty("row", (*y.shape[:-1], 1))
        np.add.reduce(dy, axis=-1, keepdims=True, out=row)
        dx = np.exp(y, out=ctx.empty("dx", y.shape))
        dx *= row
        return np.subtract(dy, dx, out=dx)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(), (None, 4))

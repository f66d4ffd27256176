"""Global max pooling over sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.input_shapes import sequence_shape
from mlpk_plugins.layers.pooling import largest_row_gradient


@define
class GlobalMaxPool1D(Layer):
    """y[c] = max over t of x[t, c].

    x (steps, channels) -> y (channels,). The gradient goes to the first of equals.
    """

    kind: ClassVar[str] = "global_max_pool1d"

    def declare(self, x: Shape) -> Declaration:
        _, channels = sequence_shape(x)
        return Declaration((channels,))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        return np.max(x, axis=1, out=ctx.empty("y", (len(x), x.shape[-1]))), x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        return largest_row_gradient(ctx, x, dy, ctx.empty("dx", x.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4, 2))
        yield Example(cls(), (None, 2))

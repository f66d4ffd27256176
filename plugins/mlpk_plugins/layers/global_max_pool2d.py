"""Global max pooling over images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.input_shapes import image_shape
from mlpk_plugins.layers.parts.pooling import largest_row_gradient


@define
class GlobalMaxPool2D(Layer):
    """y[c] = max over p, q of x[p, q, c].

    x (height, width, channels) -> y (channels,). The gradient goes to the first of equals, row by
    row.
    """

    kind: ClassVar[str] = "global_max_pool2d"

    def declare(self, x: Shape) -> Declaration:
        *_, channels = image_shape(x)
        return Declaration((channels,))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        return np.max(x, axis=(1, 2), out=ctx.empty("y", (len(x), x.shape[-1]))), x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        rows = ctx.contiguous("x", x).reshape(len(x), -1, x.shape[-1])
        dx = ctx.empty("dx", rows.shape)
        return largest_row_gradient(ctx, rows, dy, dx).reshape(x.shape)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3, 4, 2))
        yield Example(cls(), (None, None, 2))

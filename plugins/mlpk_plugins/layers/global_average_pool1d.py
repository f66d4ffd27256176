"""Global average pooling over sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.input_shapes import sequence_shape


@define
class GlobalAveragePool1D(Layer):
    """y[c] = sum over t of x[t, c] / steps.

    x (steps, channels) -> y (channels,).
    """

    kind: ClassVar[str] = "global_average_pool1d"

    def declare(self, x: Shape) -> Declaration:
        _, channels = sequence_shape(x)
        return Declaration((channels,))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[int, ...]]:
        return np.mean(x, axis=1, out=ctx.empty("y", (len(x), x.shape[-1]))), x.shape

    def backward(
        self, arrays: Arrays, ctx: Context, shape: tuple[int, ...], dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        return np.multiply(dy[:, None], 1 / shape[1], out=ctx.empty("dx", shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4, 2), linear=True)
        yield Example(cls(), (None, 2), linear=True)

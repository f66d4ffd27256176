"""Global average pooling over images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.input_shapes import image_shape


@define
class GlobalAveragePool2D(Layer):
    """y[c] = sum over p, q of x[p, q, c] / (height * width).

    x (height, width, channels) -> y (channels,). Lin, Chen and Yan, Network in network, ICLR 2014.
    """

    kind: ClassVar[str] = "global_average_pool2d"

    def declare(self, x: Shape) -> Declaration:
        *_, channels = image_shape(x)
        return Declaration((channels,))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[int, ...]]:
        return np.mean(x, axis=(1, 2), out=ctx.empty("y", (len(x), x.shape[-1]))), x.shape

    def backward(
        self, arrays: Arrays, ctx: Context, shape: tuple[int, ...], dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        _, height, width, _ = shape
        share = 1 / (height * width)
        return np.multiply(dy[:, None, None], share, out=ctx.empty("dx", shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3, 4, 2), linear=True)
        yield Example(cls(), (None, None, 2), linear=True)

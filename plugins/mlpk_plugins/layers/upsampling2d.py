"""Upsampling: larger images of the same pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.image_fields import Pair, at_least_one, pair
from mlpk_plugins.layers.parts.input_shapes import image_shape


@define
class Upsampling2D(Layer):
    """y[:, i, j] = x[:, i // a, j // b]: each pixel fills a rows and b columns (nearest neighbour).

    x (height, width, channels) -> y (height * a, width * b, channels). `size` is (a, b), or one
    number for both, from 1. The gradient of a pixel is the sum over those that it fills.
    """

    kind: ClassVar[str] = "upsampling2d"
    gives: ClassVar[str] = "same"

    size: Pair = field(default=2, validator=at_least_one)

    def declare(self, x: Shape) -> Declaration:
        height, width, channels = image_shape(x)
        a, b = pair(self.size)
        return Declaration(
            (
                None if height is None else height * a,
                None if width is None else width * b,
                channels,
            )
        )

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
        n, height, width, channels = x.shape
        a, b = pair(self.size)
        y = ctx.empty("y", (n, height, a, width, b, channels))
        np.copyto(y, x[:, :, np.newaxis, :, np.newaxis])
        return y.reshape(n, height * a, width * b, channels), None

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        n, height, width, channels = dy.shape
        a, b = pair(self.size)
        pieces = ctx.contiguous("dy", dy).reshape(n, height // a, a, width // b, b, channels)
        dx = ctx.empty("dx", (n, height // a, width // b, channels))
        return np.sum(pieces, axis=(2, 4), out=dx)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (2, 3, 2), linear=True)
        yield Example(cls(size=(1, 3)), (None, 2, 1), linear=True)
        yield Example(cls(size=(2, 1)), (2, None, 2), linear=True)

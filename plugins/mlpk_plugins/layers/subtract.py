"""Subtract: the difference of two inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.agreement import agreed


@define
class Subtract(Layer):
    """y = x_1 - x_2, elementwise.

    Two inputs of one shape (...) -> y (...); nothing is broadcast.
    """

    kind: ClassVar[str] = "subtract"

    def declare(self, first: Shape, second: Shape) -> Declaration:
        return Declaration(agreed((first, second)))

    def forward(
        self, arrays: Arrays, ctx: Context, first: Array, second: Array
    ) -> tuple[Array, None]:
        agreed((first.shape, second.shape))
        return np.subtract(first, second, out=ctx.empty("y", first.shape)), None

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> tuple[Array | None, Array | None]:
        to_first, to_second = ctx.needs_input_grad
        return (
            dy if to_first else None,
            np.negative(dy, out=ctx.empty("dx", dy.shape)) if to_second else None,
        )

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,), (3,), linear=True)
        yield Example(cls(), (None, 2), (None, 2), linear=True)

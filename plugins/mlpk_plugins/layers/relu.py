"""ReLU: the rectified linear unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.blocks import by_block
from mlpk_plugins.layers.parts.kinks import off_zero


@define
class ReLU(Layer):
    """y = max(x, 0), elementwise; the slope at 0 is 0.

    x (...) -> y (...). Nair and Hinton, Rectified linear units improve restricted Boltzmann
    machines, ICML 2010.
    """

    kind: ClassVar[str] = "relu"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y = ctx.empty("y", x.shape)
        by_block(ctx, x, _positive, x, y)
        return y, y

    def backward(
        self, arrays: Arrays, ctx: Context, y: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx = ctx.empty("dx", y.shape)
        by_block(ctx, y, _where_positive, y, dy, dx)
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,), draw=lambda rng, n: off_zero(rng, (n, 4)))
        yield Example(cls(), (None, 3), draw=lambda rng, n: off_zero(rng, (n, 5, 3)))


def _positive(_: Context, x: Array, y: Array) -> None:
    y.fill(0)  # NumPy takes a third of the time to compare with an array that it takes with 0
    np.maximum(x, y, out=y)


def _where_positive(_: Context, y: Array, dy: Array, dx: Array) -> None:
    np.greater(y, 0, out=dx)
    np.multiply(dx, dy, out=dx)

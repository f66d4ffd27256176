"""Softsign: the input over 1 plus its size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape


@define
class Softsign(Layer):
    """y = x / (1 + |x|), elementwise, in (-1, 1); dy/dx = 1 / (1 + |x|)**2.

    x (...) -> y (...). Bergstra et al., Quadratic polynomials learn better image features,
    Universite de Montreal 2009.
    """

    kind: ClassVar[str] = "softsign"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        size = np.abs(x, out=ctx.empty("size", x.shape))
        size += 1
        return np.divide(x, size, out=ctx.empty("y", x.shape)), size

    def backward(
        self, arrays: Arrays, ctx: Context, size: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx = np.divide(dy, size, out=ctx.empty("dx", dy.shape))
        dx /= size
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,))
        yield Example(cls(), (None, 3))

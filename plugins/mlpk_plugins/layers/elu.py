"""ELU: the exponential linear unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.kinks import off_zero


@define
class ELU(Layer):
    """y = x where x > 0, else alpha * (exp(x) - 1), elementwise; the slope at 0 is alpha.

    x (...) -> y (...), above -alpha; alpha >= 0. Clevert, Unterthiner and Hochreiter, Fast and
    accurate deep network learning by exponential linear units, ICLR 2016.
    """

    kind: ClassVar[str] = "elu"

    alpha: float = field(default=1.0, validator=ge(0))

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y = np.minimum(x, 0, out=ctx.empty("y", x.shape))
        np.expm1(y, out=y)
        y *= self.alpha
        y += np.maximum(x, 0, out=ctx.empty("above", x.shape))
        return y, y

    def backward(
        self, arrays: Arrays, ctx: Context, y: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx = np.add(y, self.alpha, out=ctx.empty("dx", y.shape))
        side = ctx.empty("side", y.shape, bool)
        dx *= np.less_equal(y, 0, out=side)
        dx += np.greater(y, 0, out=side)
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,))
        yield Example(cls(alpha=0.5), (None, 3), draw=lambda rng, n: off_zero(rng, (n, 5, 3)))

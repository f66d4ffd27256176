"""SELU: the scaled exponential linear unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.kinks import off_zero

# The numbers that map mean 0 and variance 1 onto themselves.
ALPHA = 1.6732632423543772848
SCALE = 1.0507009873554804934


@define
class SELU(Layer):
    """y = scale * x where x > 0, else scale * alpha * (exp(x) - 1), elementwise.

    x (...) -> y (...), above -scale * alpha; alpha = 1.67326..., scale = 1.05070... At 0 the slope
    is scale * alpha. Klambauer et al., Self-normalizing neural networks, NeurIPS 2017.
    """

    kind: ClassVar[str] = "selu"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y = np.minimum(x, 0, out=ctx.empty("y", x.shape))
        np.expm1(y, out=y)
        y *= SCALE * ALPHA
        above = np.maximum(x, 0, out=ctx.empty("above", x.shape))
        above *= SCALE
        y += above
        return y, y

    def backward(
        self, arrays: Arrays, ctx: Context, y: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx = np.add(y, SCALE * ALPHA, out=ctx.empty("dx", y.shape))
        dx *= np.less_equal(y, 0, out=ctx.empty("below", y.shape, bool))
        above = np.greater(y, 0, out=ctx.empty("above", y.shape))
        above *= SCALE
        dx += above
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,), draw=lambda rng, n: off_zero(rng, (n, 4)))
        yield Example(cls(), (None, 3), draw=lambda rng, n: off_zero(rng, (n, 5, 3)))

"""Softplus: a smooth ReLU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.logistic import integral, of_integral


@define
class Softplus(Layer):
    """y = log(1 + exp(x)), elementwise; dy/dx = 1 / (1 + exp(-x)) = 1 - exp(-y).

    x (...) -> y (...), above 0. Dugas et al., Incorporating second-order functional knowledge for
    better option pricing, NIPS 2000.
    """

    kind: ClassVar[str] = "softplus"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y = integral(ctx, "y", x)
        return y, y

    def backward(
        self, arrays: Arrays, ctx: Context, y: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx = of_integral(y, out=ctx.empty("dx", y.shape))
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,))
        yield Example(cls(), (None, 3))

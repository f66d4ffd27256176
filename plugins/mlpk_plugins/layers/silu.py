"""SiLU: the sigmoid linear unit, also called swish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.logistic import logistic


@define
class SiLU(Layer):
    """y = x * s, s = 1 / (1 + exp(-x)), elementwise; dy/dx = s * (1 + x * (1 - s)).

    x (...) -> y (...). Elfwing, Uchibe and Doya, Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning, Neural Networks 2018.
    """

    kind: ClassVar[str] = "silu"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[Array, Array]]:
        s = logistic(ctx, "s", x)
        return np.multiply(x, s, out=ctx.empty("y", x.shape)), (x, s)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: tuple[Array, Array], dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        x, s = saved
        dx = np.subtract(1, s, out=ctx.empty("dx", x.shape))
        dx *= x
        dx += 1
        dx *= s
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,))
        yield Example(cls(), (None, 3))

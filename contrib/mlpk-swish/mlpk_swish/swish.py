"""The layer swish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape


@define
class Swish(Layer):
    """y = x * s, s = 1 / (1 + exp(-beta * x)), elementwise; dy/dx = s * (1 + beta * x * (1 - s)).

    x (...) -> y (...). beta may be any number: 1 gives SiLU, 0 gives x / 2, a large one ReLU.

    P. Ramachandran, B. Zoph and Q. V. Le, Searching for activation functions, 2017.
    """

    kind: ClassVar[str] = "swish"

    beta: float = 1.0

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[Array, Array]]:
        s = np.multiply(x, 0.5 * self.beta, out=ctx.empty("s", x.shape))
        np.tanh(s, out=s)  # 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2, which overflows nowhere
        s += 1
        s *= 0.5
        return np.multiply(x, s, out=ctx.empty("y", x.shape)), (x, s)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: tuple[Array, Array], dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        x, s = saved
        dx = np.subtract(1, s, out=ctx.empty("dx", x.shape))
        dx *= x
        dx *= self.beta
        dx += 1
        dx *= s
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(beta=-2.5), (None, 3))

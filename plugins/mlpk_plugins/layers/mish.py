"""Mish: the input, gated by the tanh of its softplus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.logistic import integral, of_integral


@define
class Mish(Layer):
    """y = x * w, w = tanh(p), p = log(1 + exp(x)), elementwise.

    x (...) -> y (...); dy/dx = w + x * (1 - w**2) * (1 - exp(-p)). Misra, Mish: a self regularized
    non-monotonic activation function, BMVC 2020.
    """

    kind: ClassVar[str] = "mish"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array
    ) -> tuple[Array, tuple[Array, Array, Array]]:
        p = integral(ctx, "p", x)
        w = np.tanh(p, out=ctx.empty("w", x.shape))
        return np.multiply(x, w, out=ctx.empty("y", x.shape)), (x, p, w)

    def backward(
        self,
        arrays: Arrays,
        ctx: Context,
        saved: tuple[Array, Array, Array],
        dy: Array,
        grads: Grads,
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        x, p, w = saved
        dx = np.multiply(w, w, out=ctx.empty("dx", x.shape))
        np.subtract(1, dx, out=dx)
        dx *= of_integral(p, out=ctx.empty("s", x.shape))
        dx *= x
        dx += w
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,))
        yield Example(cls(), (None, 3))

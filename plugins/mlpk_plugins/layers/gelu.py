"""GELU: the input, gated by the normal distribution."""

from __future__ import annotations

from collections.abc import Iterator
from math import pi, sqrt
from typing import ClassVar, Literal

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.logistic import logistic
from mlpk_plugins.layers.parts.normal_distribution import normal_distribution

CUBE = 0.044715
# Beyond it the gate is 0 or 1, in float64 too; held back there, no power of x overflows.
END = 25.0


@define
class GELU(Layer):
    """y = x * g(x), elementwise; dy/dx = g(x) + x * g'(x).

    g is the normal distribution's cdf, (1 + erf(x / sqrt(2))) / 2, or, with `approximate` "tanh",
    (1 + tanh(u)) / 2, u = sqrt(2 / pi) * (x + 0.044715 * x**3). x (...) -> y (...). Hendrycks and
    Gimpel, Gaussian error linear units, arXiv:1606.08415.
    """

    kind: ClassVar[str] = "gelu"

    approximate: Literal["none", "tanh"] = "none"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(
        self, arrays: Arrays, ctx: Context, x: Array
    ) -> tuple[Array, tuple[Array, Array, Array]]:
        slope, g = _by_tanh(ctx, x) if self.approximate == "tanh" else normal_distribution(ctx, x)
        return np.multiply(x, g, out=ctx.empty("y", x.shape)), (x, g, slope)

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
        x, g, slope = saved
        dx = np.multiply(x, slope, out=ctx.empty("dx", x.shape))
        dx += g
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,))
        yield Example(cls(), (None, 3))
        yield Example(cls(approximate="tanh"), (4,))


def _by_tanh(ctx: Context, x: Array) -> tuple[Array, Array]:
    """Return g'(x) and g(x) = (1 + tanh(u)) / 2 = 1 / (1 + exp(-2 u))."""
    held = np.clip(x, -END, END, out=ctx.empty("held", x.shape))
    slope = np.multiply(held, held, out=ctx.empty("slope", x.shape))
    slope *= CUBE
    slope += 1
    held *= slope
    held *= 2 * sqrt(2 / pi)
    g = logistic(ctx, "g", held)
    # d(2 u)/dx, from 1 + CUBE * x**2, times g * (1 - g)
    slope *= 3
    slope -= 2
    slope *= 2 * sqrt(2 / pi)
    slope *= g
    slope *= np.subtract(1, g, out=held)
    return slope, g

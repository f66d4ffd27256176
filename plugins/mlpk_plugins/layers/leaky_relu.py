"""LeakyReLU: the rectified linear unit with a small slope below 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, le

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.kinks import off_zero


@define
class LeakyReLU(Layer):
    """y = x where x > 0, else slope * x, elementwise; at 0 the slope is that below 0.

    x (...) -> y (...); 0 <= slope <= 1. Maas, Hannun and Ng, Rectifier nonlinearities improve neural
    network acoustic models, ICML 2013.
    """

    kind: ClassVar[str] = "leaky_relu"

    slope: float = field(default=0.01, validator=and_(ge(0), le(1)))

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y = np.multiply(x, self.slope, out=ctx.empty("y", x.shape))
        return np.maximum(x, y, out=y), x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx = np.greater(x, 0, out=ctx.empty("dx", x.shape))
        np.maximum(dx, self.slope, out=dx)
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,), draw=lambda rng, n: off_zero(rng, (n, 4)))
        yield Example(cls(slope=0.3), (None, 3), draw=lambda rng, n: off_zero(rng, (n, 5, 3)))

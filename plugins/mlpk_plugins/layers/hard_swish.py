"""HardSwish: the input, gated by a hard sigmoid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.kinks import off_ends
from mlpk_plugins.layers.parts.ramp import SLOPE, erase_ends, ramp


@define
class HardSwish(Layer):
    """y = x * h, h = min(max(x + 3, 0), 6) / 6, elementwise; dy/dx = h + x / 6 where 0 < h < 1.

    x (...) -> y (...). Elsewhere, at -3 and at 3 too, dy/dx = h. Howard et al., Searching for
    MobileNetV3, ICCV 2019.
    """

    kind: ClassVar[str] = "hard_swish"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[Array, Array]]:
        h = ramp(x, out=ctx.empty("h", x.shape))
        return np.multiply(x, h, out=ctx.empty("y", x.shape)), (x, h)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: tuple[Array, Array], dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        x, h = saved
        dx = np.multiply(x, SLOPE, out=ctx.empty("dx", x.shape))
        erase_ends(ctx, dx, h)
        dx += h
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,), draw=lambda rng, n: off_ends(rng, (n, 4)))
        yield Example(cls(), (None, 3), draw=lambda rng, n: off_ends(rng, (n, 5, 3)))

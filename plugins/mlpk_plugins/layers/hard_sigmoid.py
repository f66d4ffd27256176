"""HardSigmoid: a sigmoid of three straight lines."""

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
class HardSigmoid(Layer):
    """y = min(max(x + 3, 0), 6) / 6, elementwise, in [0, 1]; the slope at -3 and at 3 is 0.

    x (...) -> y (...). This is the form of PyTorch and of Keras from 3 on. Keras before 3 and, by
    default, the ONNX standard rise by 0.2 instead of 1/6.

    Howard et al., Searching for MobileNetV3, ICCV 2019.
    """

    kind: ClassVar[str] = "hard_sigmoid"
    gives: ClassVar[str] = "probabilities"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y = ramp(x, out=ctx.empty("y", x.shape))
        return y, y

    def backward(
        self, arrays: Arrays, ctx: Context, y: Array, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx = np.multiply(dy, SLOPE, out=ctx.empty("dx", dy.shape))
        erase_ends(ctx, dx, y)
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,), draw=lambda rng, n: off_ends(rng, (n, 4)))
        yield Example(cls(), (None, 3), draw=lambda rng, n: off_ends(rng, (n, 5, 3)))

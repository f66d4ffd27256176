"""PReLU: the rectified linear unit with a slope below 0 that is learnt, one a channel."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.initializers.constant import Constant
from mlpk_plugins.layers.parts.channels import channel_sums, per_channel
from mlpk_plugins.layers.parts.input_shapes import last_axis
from mlpk_plugins.layers.parts.kinks import off_zero


@define
class PReLU(Layer):
    """y = x where x > 0, else slope * x, one slope a channel (last axis); at 0 as below it.

    x (..., channels) -> y (..., channels); slope (channels,), 0.25 at first, free of weight decay.
    dslope = sum(dy * min(x, 0)). He et al., Delving deep into rectifiers: surpassing human-level
    performance on ImageNet classification, ICCV 2015.
    """

    kind: ClassVar[str] = "prelu"

    init: Initializer | str = Constant(0.25)

    def declare(self, x: Shape) -> Declaration:
        return Declaration(
            x, {"slope": Param((known(last_axis(x, "channels")),), self.init, decay=False)}
        )

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y = np.minimum(x, 0, out=ctx.empty("y", x.shape))
        y *= per_channel(ctx, arrays["slope"], x)
        y += np.maximum(x, 0, out=ctx.empty("above", x.shape))
        return y, x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads
    ) -> Array | None:
        dslope = np.minimum(x, 0, out=ctx.empty("dslope", x.shape))
        dslope *= dy
        rows = dslope.reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])
        grads["slope"][...] = channel_sums(ctx, rows)
        if not ctx.needs_input_grad[0]:
            return None
        dx = np.less_equal(x, 0, out=ctx.empty("dx", x.shape))
        dx *= per_channel(ctx, arrays["slope"], x)
        dx += np.greater(x, 0, out=ctx.empty("side", x.shape, bool))
        dx *= dy
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,), draw=lambda rng, n: off_zero(rng, (n, 4)))
        yield Example(cls(init="zeros"), (2, 3), draw=lambda rng, n: off_zero(rng, (n, 2, 3)))
        yield Example(cls(), (None, 3), draw=lambda rng, n: off_zero(rng, (n, 5, 3)))

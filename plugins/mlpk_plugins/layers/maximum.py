"""Maximum: the largest of several inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.agreement import agreed


@define
class Maximum(Layer):
    """y = max(x_1, x_2, ...), elementwise; dy goes to the largest, in equal parts where several are.

    Two or more inputs of one shape (...) -> y (...); nothing is broadcast.
    """

    kind: ClassVar[str] = "maximum"

    def declare(self, *inputs: Shape) -> Declaration:
        return Declaration(agreed(inputs))

    def forward(
        self, arrays: Arrays, ctx: Context, *inputs: Array
    ) -> tuple[Array, tuple[Array, ...]]:
        agreed([x.shape for x in inputs])
        first, second, *rest = inputs
        y = np.maximum(first, second, out=ctx.empty("y", first.shape))
        for x in rest:
            np.maximum(y, x, out=y)
        return y, (y, *inputs)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: tuple[Array, ...], dy: Array, grads: Grads
    ) -> tuple[Array | None, ...]:
        if not any(ctx.needs_input_grad):
            return (None,) * len(ctx.needs_input_grad)
        y, *inputs = saved
        reached = ctx.empty("reached", y.shape, bool)
        share = ctx.empty("share", y.shape)
        share.fill(0)
        for x in inputs:
            share += np.equal(x, y, out=reached)
        np.maximum(share, 1, out=share)  # NaN equals nothing
        np.divide(dy, share, out=share)
        return tuple(
            np.multiply(np.equal(x, y, out=reached), share, out=ctx.empty(f"dx{place}", y.shape))
            if needed
            else None
            for place, (x, needed) in enumerate(zip(inputs, ctx.needs_input_grad, strict=True))
        )

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,), (3,))
        yield Example(cls(), (2, 3), (2, 3), (2, 3))
        yield Example(cls(), (None, 2), (None, 2))

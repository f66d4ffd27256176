"""Dense: every unit sees every input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, ShapeError, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.contiguous import contiguous


@define
class Dense(Layer):
    """y = x W + b, on the last axis.

    x (..., n_in) -> y (..., units); weight (n_in, units), bias (units,). units >= 1.
    """

    kind: ClassVar[str] = "dense"

    units: int = field(validator=ge(1))
    bias: bool = True
    init: Initializer | str = "glorot_uniform"

    def declare(self, x: Shape) -> Declaration:
        if not x:
            raise ShapeError("wanted an axis of features beside the batch, found none")
        params = {"weight": Param((known(x[-1]), self.units), self.init)}
        if self.bias:
            params["bias"] = Param((self.units,), "zeros", decay=False)
        return Declaration((*x[:-1], self.units), params)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        y = np.matmul(x, arrays["weight"], out=ctx.empty("y", (*x.shape[:-1], self.units)))
        if self.bias:
            y += arrays["bias"]
        return y, x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads
    ) -> Array | None:
        rows = contiguous(ctx, "x", x).reshape(-1, x.shape[-1])
        drows = contiguous(ctx, "dy", dy).reshape(-1, self.units)
        np.matmul(rows.T, drows, out=grads["weight"])
        if self.bias:
            np.sum(drows, axis=0, out=grads["bias"])
        if not ctx.needs_input_grad[0]:
            return None
        return np.matmul(dy, arrays["weight"].T, out=ctx.empty("dx", x.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(units=2), (3,), linear=True)
        yield Example(cls(units=2, bias=False), (5, 3), linear=True)

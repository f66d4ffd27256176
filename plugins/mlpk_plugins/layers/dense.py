"""Dense: every unit sees every input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.input_shapes import last_axis
from mlpk_plugins.layers.parts.products import dot
from mlpk_plugins.layers.parts.sums import column_sums


@define
class Dense(Layer):
    """y = x W + b, on the last axis.

    x (..., n_in) -> y (..., units); weight (n_in, units), bias (units,). units >= 1.
    """

    kind: ClassVar[str] = "dense"
    shares: ClassVar[bool] = True

    units: int = field(validator=ge(1))
    bias: bool = True
    init: Initializer | str = "glorot_uniform"

    def declare(self, x: Shape) -> Declaration:
        params = {"weight": Param((known(last_axis(x, "features")), self.units), self.init)}
        if self.bias:
            params["bias"] = Param((self.units,), "zeros", decay=False)
        return Declaration((*x[:-1], self.units), params)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        rows = ctx.matrix("x", x)
        y = dot(ctx, rows, arrays["weight"], ctx.empty("y", (len(rows), self.units)))
        if self.bias:  # of one row NumPy takes a third of the time where shapes are the same
            y += arrays["bias"] if len(y) > 1 else arrays["bias"][None]
        return y if rows is x else y.reshape(*x.shape[:-1], self.units), rows

    def backward(
        self, arrays: Arrays, ctx: Context, rows: Array, dy: Array, grads: Grads
    ) -> Array | None:
        drows = ctx.matrix("dy", dy)
        dot(ctx, rows.T, drows, grads["weight"])
        if self.bias:
            column_sums(ctx, drows, grads["bias"])
        if not ctx.needs_input_grad[0]:
            return None
        dx = dot(ctx, drows, arrays["weight"].T, ctx.empty("dx", rows.shape))
        return dx if drows is dy else dx.reshape(*dy.shape[:-1], rows.shape[1])

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(units=2), (3,), linear=True)
        yield Example(cls(units=2, bias=False), (5, 3), linear=True)

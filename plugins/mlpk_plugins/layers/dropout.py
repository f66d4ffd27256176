"""Dropout: in training, some values are left out at random."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.kept import kept, some_kept


@define
class Dropout(Layer):
    """y = x * k / (1 - rate) in training, k 0 with probability `rate`, else 1; y = x otherwise.

    x (...) -> y (...); 0 <= rate <= 1 - 2**-24. At rate 0 no random number is drawn. Srivastava et al.,
    Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014; scaled in
    training, so that evaluation changes nothing.
    """

    kind: ClassVar[str] = "dropout"
    gives: ClassVar[str] = "same"

    rate: float = field(validator=some_kept)

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array | None]:
        if not ctx.training or self.rate == 0:
            return x, None
        scale = kept(ctx, self.rate, x.shape)
        return np.multiply(x, scale, out=ctx.empty("y", x.shape)), scale

    def backward(
        self, arrays: Arrays, ctx: Context, scale: Array | None, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        return dy if scale is None else np.multiply(dy, scale, out=ctx.empty("dx", dy.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(rate=0.4), (6,), linear=True)
        yield Example(cls(rate=0.0), (6,), linear=True)
        yield Example(cls(rate=0.5), (None, 3), linear=True)

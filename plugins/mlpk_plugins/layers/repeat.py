"""Repeat: the same row several times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape


@define
class Repeat(Layer):
    """y[:, i] = x for i = 0 ... times - 1; the gradient is the sum over i.

    x (...) -> y (times, ...): a vector (channels,) becomes a sequence (times, channels).
    times >= 1.
    """

    kind: ClassVar[str] = "repeat"
    gives: ClassVar[str] = "same"
    takes: ClassVar[tuple[str, ...]] = ("any",)

    times: int = field(validator=ge(1))

    def declare(self, x: Shape) -> Declaration:
        return Declaration((self.times, *x))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
        y = ctx.empty("y", (len(x), self.times, *x.shape[1:]), x.dtype)
        np.copyto(y, x[:, np.newaxis])
        return y, None

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        dx: Array = np.sum(dy, axis=1, out=ctx.empty("dx", (len(dy), *dy.shape[2:])))
        return dx

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(times=3), (2,), linear=True)
        yield Example(cls(times=1), (2, 3), linear=True)
        yield Example(cls(times=2), (None, 2), linear=True)

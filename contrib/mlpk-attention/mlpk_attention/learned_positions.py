"""Learned positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge
from mlpk import Context, Declaration, Example, Initializer, Layer, Param, ShapeError, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape

from mlpk_attention.sequence_shapes import sequence_width


@define
class LearnedPositions(Layer):
    """y[t] = x[t] + W[t].

    x (n, T, width) -> y alike, for T up to `max_length`; weight (max_length, width). dW[t] is the
    sum of dy[t] over the rows, and 0 behind the last step. max_length >= 1. Gehring et al.,
    Convolutional sequence to sequence learning, 2017, section 3.1.
    """

    kind: ClassVar[str] = "learned_positions"

    max_length: int = field(validator=ge(1))
    init: Initializer | str = "normal"

    def declare(self, x: Shape) -> Declaration:
        width = sequence_width(x, "a sequence")
        if x[0] is not None:
            self._check(x[0])
        params = {"weight": Param((self.max_length, width), self.init)}
        return Declaration(x, params, positions=(0,))

    def _check(self, steps: int) -> None:
        if steps > self.max_length:
            raise ShapeError(
                f"wanted at most {self.max_length} steps, found {steps}; raise max_length"
            )

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
        self._check(x.shape[1])
        return np.add(x, arrays["weight"][: x.shape[1]], out=ctx.empty("y", x.shape)), None

    def backward(self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads) -> Array:
        steps = dy.shape[1]
        np.sum(dy, axis=0, out=grads["weight"][:steps])
        grads["weight"][steps:] = 0
        return dy

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(max_length=12), (3, 2), linear=True)
        yield Example(cls(max_length=20, init="zeros"), (None, 3), linear=True)

"""Flatten: all axes but the batch become one."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known


@define
class Flatten(Layer):
    """y = x as one row of numbers, in C order: the last axis runs fastest.

    x (a, b, ...) -> y (a * b * ...,)
    """

    kind: ClassVar[str] = "flatten"
    gives: ClassVar[str] = "same"
    takes: ClassVar[tuple[str, ...]] = ("any",)

    def declare(self, x: Shape) -> Declaration:
        return Declaration((prod(known(length) for length in x),))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[int, ...]]:
        return ctx.contiguous("x", x).reshape(len(x), prod(x.shape[1:])), x.shape

    def backward(
        self, arrays: Arrays, ctx: Context, shape: tuple[int, ...], dy: Array, grads: Grads
    ) -> Array | None:
        return dy.reshape(shape) if ctx.needs_input_grad[0] else None

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (2, 3), linear=True)
        yield Example(cls(), (2, 2, 2), linear=True)
        yield Example(cls(), (3,), linear=True)

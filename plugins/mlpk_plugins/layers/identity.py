"""Identity: nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape


@define
class Identity(Layer):
    """y = x, without a copy. It gives a place in a graph a name.

    x (...) -> y (...)
    """

    kind: ClassVar[str] = "identity"
    gives: ClassVar[str] = "same"
    takes: ClassVar[tuple[str, ...]] = ("any",)

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
        return x, None

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> Array | None:
        return dy if ctx.needs_input_grad[0] else None

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,), linear=True)
        yield Example(cls(), (None, 2), linear=True)

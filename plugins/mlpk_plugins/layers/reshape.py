"""Reshape: the same numbers in another shape."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, ClassVar

from attrs import Attribute, field

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk.errors import ShapeError


def _lengths(_: object, attribute: Attribute[Any], shape: Shape) -> None:
    """Refuse lengths below 1, and more than one that is left open."""
    if any(length is not None and length != -1 and length < 1 for length in shape):
        raise ValueError(f"'{attribute.name}' must hold lengths from 1, found {shape}")
    if sum(length in (None, -1) for length in shape) > 1:
        raise ValueError(f"'{attribute.name}' may leave one length open, found {shape}")


@define
class Reshape(Layer):
    """y = x in the shape `shape`, in C order: the last axis runs fastest.

    x (...) -> y (*shape), the batch axis left out of both. One length of `shape` may be -1 or
    None: it follows from the rest, and stays unknown where a length of x is.
    """

    kind: ClassVar[str] = "reshape"
    gives: ClassVar[str] = "same"
    takes: ClassVar[tuple[str, ...]] = ("any",)

    shape: tuple[int | None, ...] = field(validator=_lengths)

    def declare(self, x: Shape) -> Declaration:
        opened = [None if length == -1 else length for length in self.shape]
        if None in x and None in opened:
            return Declaration(tuple(opened))
        return Declaration(self._filled(tuple(known(length) for length in x)))

    def _filled(self, x: tuple[int, ...]) -> tuple[int, ...]:
        """Return `shape` with the open length worked out for rows of shape `x`."""
        fixed = prod(length for length in self.shape if length is not None and length != -1)
        filled = tuple(
            prod(x) // fixed if length is None or length == -1 else length for length in self.shape
        )
        if prod(filled) != prod(x):
            raise ShapeError(
                f"wanted {prod(x)} numbers a row, as in the input's {x}; "
                f"found the shape {self.shape}, which does not hold them"
            )
        return filled

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[int, ...]]:
        return ctx.contiguous("x", x).reshape(len(x), *self._filled(x.shape[1:])), x.shape

    def backward(
        self, arrays: Arrays, ctx: Context, shape: tuple[int, ...], dy: Array, grads: Grads
    ) -> Array | None:
        return ctx.contiguous("dy", dy).reshape(shape) if ctx.needs_input_grad[0] else None

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(shape=(3, 2)), (2, 3), linear=True)
        yield Example(cls(shape=(2, -1)), (8,), linear=True)
        yield Example(cls(shape=(None, 2)), (None, 4), linear=True)

"""Cropping: images without their border."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk.errors import ShapeError
from mlpk_plugins.layers.parts.image_fields import Margins, not_negative, sides
from mlpk_plugins.layers.parts.input_shapes import image_shape
from mlpk_plugins.layers.parts.margins import framed, inside


@define
class Cropping2D(Layer):
    """y = x[:, top : height - bottom, left : width - right], without a copy.

    x (height, width, channels) -> y (height - top - bottom, width - left - right, channels), of
    which at least one row and column must be left. `cropping` is one number for all sides,
    (height, width) for both of each, or ((top, bottom), (left, right)); numbers from 0.
    """

    kind: ClassVar[str] = "cropping2d"
    gives: ClassVar[str] = "same"
    takes: ClassVar[tuple[str, ...]] = ("any",)

    cropping: Margins = field(default=1, validator=not_negative)

    def declare(self, x: Shape) -> Declaration:
        height, width, channels = image_shape(x)
        down, across = sides(self.cropping)
        return Declaration((self._left(height, down), self._left(width, across), channels))

    def _left(self, length: int | None, off: tuple[int, int]) -> int | None:
        """Return what is left of a length, or refuse to take off all of it."""
        if length is not None and length <= sum(off):
            raise ShapeError(
                f"wanted images larger than what cropping={self.cropping} takes off, found a "
                f"length of {length}, off which it takes {off[0]} and {off[1]}"
            )
        return None if length is None else length - sum(off)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
        self.declare(x.shape[1:])
        return inside(x, self.cropping), None

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> Array | None:
        return framed(ctx, "dx", dy, self.cropping) if ctx.needs_input_grad[0] else None

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3, 4, 2), linear=True)
        yield Example(cls(cropping=(0, 1)), (None, 3, 2), linear=True)
        yield Example(cls(cropping=((1, 0), (2, 1))), (2, None, 1), linear=True)

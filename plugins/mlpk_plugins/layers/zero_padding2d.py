"""Zero padding: images with a border of zeros."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.image_fields import Margins, not_negative, sides
from mlpk_plugins.layers.parts.input_shapes import image_shape
from mlpk_plugins.layers.parts.margins import framed, inside


@define
class ZeroPadding2D(Layer):
    """y = x in the middle, 0 around it.

    x (height, width, channels) -> y (top + height + bottom, left + width + right, channels).
    `padding` is one number for all sides, (height, width) for both of each, or
    ((top, bottom), (left, right)); numbers from 0.
    """

    kind: ClassVar[str] = "zero_padding2d"

    padding: Margins = field(default=1, validator=not_negative)

    def declare(self, x: Shape) -> Declaration:
        height, width, channels = image_shape(x)
        down, across = sides(self.padding)
        return Declaration(
            (
                None if height is None else height + sum(down),
                None if width is None else width + sum(across),
                channels,
            )
        )

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
        return framed(ctx, "y", x, self.padding), None

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> Array | None:
        return inside(dy, self.padding) if ctx.needs_input_grad[0] else None

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (2, 3, 2), linear=True)
        yield Example(cls(padding=(0, 2)), (None, 3, 2), linear=True)
        yield Example(cls(padding=((1, 0), (2, 3))), (2, None, 1), linear=True)

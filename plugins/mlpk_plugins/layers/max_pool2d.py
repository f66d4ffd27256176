"""Max pooling over images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import optional

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.image_fields import Padding, Pair, at_least_one, below_kernel
from mlpk_plugins.layers.parts.input_shapes import image_shape
from mlpk_plugins.layers.parts.pooling import largest, largest_gradient
from mlpk_plugins.layers.parts.windows import Windows


@define
class MaxPool2D(Layer):
    """y[p, q, c] = max over i, j of x[p s + i - top, q s + j - left, c].

    x (height, width, channels) -> y (rows, columns, channels). `kernel_size` and `strides` (None:
    as the kernel) are one number or (height, width), >= 1; padding as in conv2d, each number
    below the kernel's, and never the largest. The gradient goes to the first of equals, row by
    row.
    """

    kind: ClassVar[str] = "max_pool2d"

    kernel_size: Pair = field(validator=at_least_one)
    strides: Pair | None = field(default=None, validator=optional(at_least_one))
    padding: Padding = field(default="valid", validator=below_kernel)

    @property
    def _windows(self) -> Windows:
        return Windows.on_images(self.kernel_size, self.strides or self.kernel_size, self.padding)

    def declare(self, x: Shape) -> Declaration:
        height, width, channels = image_shape(x)
        return Declaration((*self._windows.outputs(height, width), channels))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[Array, Array]]:
        grid = self._windows.grid(*x.shape[1:3])
        y = ctx.empty("y", (len(x), *grid.outputs, x.shape[-1]))
        return largest(ctx, grid, x, y), (x, y)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: tuple[Array, Array], dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        x, y = saved
        grid = self._windows.grid(*x.shape[1:3])
        return largest_gradient(ctx, grid, x, y, dy, ctx.empty("dx", x.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(kernel_size=2), (4, 4, 2))
        yield Example(cls(kernel_size=(2, 3), strides=1), (4, 5, 2))
        yield Example(cls(kernel_size=3, strides=2, padding="same"), (4, 5, 2))
        yield Example(cls(kernel_size=2, strides=(2, 3), padding=1), (None, None, 1))
        yield Example(cls(kernel_size=2, padding=((0, 1), (1, 0))), (3, 3, 2))

"""Average pooling over images."""

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
from mlpk_plugins.layers.parts.pooling import mean, mean_gradient
from mlpk_plugins.layers.parts.windows import Windows


@define
class AveragePool2D(Layer):
    """y[p, q, c] = sum over i, j of x[p s + i - top, q s + j - left, c] / m[p, q].

    x (height, width, channels) -> y (rows, columns, channels); x is 0 in the padding, and m is
    the number of places of the window outside of it, as in TensorFlow and ONNX; with
    `count_include_pad`, PyTorch's default, it is kh kw everywhere. `kernel_size` and `strides`
    (None: as the kernel) are one number or (height, width), >= 1; padding as in conv2d, each
    number below the kernel's.
    """

    kind: ClassVar[str] = "average_pool2d"

    kernel_size: Pair = field(validator=at_least_one)
    strides: Pair | None = field(default=None, validator=optional(at_least_one))
    padding: Padding = field(default="valid", validator=below_kernel)
    count_include_pad: bool = False

    @property
    def _windows(self) -> Windows:
        return Windows.on_images(self.kernel_size, self.strides or self.kernel_size, self.padding)

    def declare(self, x: Shape) -> Declaration:
        height, width, channels = image_shape(x)
        return Declaration((*self._windows.outputs(height, width), channels))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[int, ...]]:
        grid = self._windows.grid(*x.shape[1:3])
        y = ctx.empty("y", (len(x), *grid.outputs, x.shape[-1]))
        return mean(ctx, grid, x, y, count_pads=self.count_include_pad), x.shape

    def backward(
        self, arrays: Arrays, ctx: Context, shape: tuple[int, ...], dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        grid, dx = self._windows.grid(*shape[1:3]), ctx.empty("dx", shape)
        return mean_gradient(ctx, grid, dy, dx, count_pads=self.count_include_pad)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(kernel_size=2), (4, 4, 2), linear=True)
        yield Example(cls(kernel_size=(2, 3), strides=1), (4, 5, 2), linear=True)
        yield Example(cls(kernel_size=3, strides=2, padding="same"), (4, 5, 2), linear=True)
        yield Example(
            cls(kernel_size=3, strides=2, padding="same", count_include_pad=True), (4, 5, 2)
        )
        yield Example(cls(kernel_size=2, strides=(2, 3), padding=1), (None, None, 1), linear=True)

"""Max pooling over sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import optional

from mlpk import Context, Declaration, Example, Layer, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.image_fields import Padding1d, at_least_one, below_kernel
from mlpk_plugins.layers.parts.input_shapes import sequence_shape
from mlpk_plugins.layers.parts.pooling import largest, largest_gradient
from mlpk_plugins.layers.parts.windows import Windows


@define
class MaxPool1D(Layer):
    """y[t, c] = max over i of x[t s + i - before, c].

    x (steps, channels) -> y (windows, channels). `kernel_size` and `strides` s (None: as the
    kernel) >= 1; padding as in conv1d, each number below the kernel's, and never the largest. The
    gradient goes to the first of equals.
    """

    kind: ClassVar[str] = "max_pool1d"

    kernel_size: int = field(validator=at_least_one)
    strides: int | None = field(default=None, validator=optional(at_least_one))
    padding: Padding1d = field(default="valid", validator=below_kernel)

    @property
    def _windows(self) -> Windows:
        return Windows.on_sequences(
            self.kernel_size, self.strides or self.kernel_size, self.padding
        )

    def declare(self, x: Shape) -> Declaration:
        steps, channels = sequence_shape(x)
        windows, _ = self._windows.outputs(steps, 1)
        return Declaration((windows, channels))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[Array, Array]]:
        image = x[:, :, None]
        grid = self._windows.grid(*image.shape[1:3])
        y = ctx.empty("y", (len(x), *grid.outputs, x.shape[-1]))
        return largest(ctx, grid, image, y)[:, :, 0], (image, y)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: tuple[Array, Array], dy: Array, grads: Grads
    ) -> Array | None:
        if not ctx.needs_input_grad[0]:
            return None
        image, y = saved
        grid, dx = self._windows.grid(*image.shape[1:3]), ctx.empty("dx", image.shape)
        return largest_gradient(ctx, grid, image, y, dy[:, :, None], dx)[:, :, 0]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(kernel_size=2), (6, 2))
        yield Example(cls(kernel_size=3, strides=2, padding="same"), (6, 2))
        yield Example(cls(kernel_size=3, strides=1, padding=(2, 0)), (None, 2))

"""Convolution over images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.channels import channel_sums
from mlpk_plugins.layers.parts.convolution import convolve, gradients
from mlpk_plugins.layers.parts.image_fields import Padding, Pair, at_least_one, not_negative, pair
from mlpk_plugins.layers.parts.input_shapes import image_shape
from mlpk_plugins.layers.parts.kernel import kernel_param, matrices
from mlpk_plugins.layers.parts.windows import Windows


@define
class Conv2D(Layer):
    """y[p, q, f] = b[f] + sum over i, j, c of x[p s + i d - top, q s + j d - left, c] W[i, j, c, f].

    x (height, width, c_in) -> y (rows, columns, filters); weight (kh, kw, c_in / groups, filters),
    bias (filters,). s are `strides`, d is `dilation`, each one number or (height, width), >= 1;
    x is 0 in the padding: "valid" has none, "same" gives ceil(height / s) rows with an odd
    element after the end; numbers >= 0 are all around, (height, width) or ((top, bottom), (left,
    right)). `groups` parts channels and filters in order: a filter sees the channels of its
    group. rows = (height + top + bottom - (kh - 1) d - 1) // s + 1.

    LeCun et al., Gradient-based learning applied to document recognition, Proc. IEEE 1998.
    """

    kind: ClassVar[str] = "conv2d"

    filters: int = field(validator=ge(1))
    kernel_size: Pair = field(validator=at_least_one)
    strides: Pair = field(default=1, validator=at_least_one)
    padding: Padding = field(default="valid", validator=not_negative)
    dilation: Pair = field(default=1, validator=at_least_one)
    groups: int = field(default=1, validator=ge(1))
    bias: bool = True
    init: Initializer | str = "glorot_uniform"

    def declare(self, x: Shape) -> Declaration:
        height, width, depth = image_shape(x)
        window, channels = pair(self.kernel_size), known(depth)
        params = {"weight": kernel_param(window, channels, self.filters, self.groups, self.init)}
        if self.bias:
            params["bias"] = Param((self.filters,), "zeros", decay=False)
        return Declaration((*self._windows.outputs(height, width), self.filters), params)

    @property
    def _windows(self) -> Windows:
        return Windows.on_images(self.kernel_size, self.strides, self.padding, self.dilation)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        grid = self._windows.grid(*x.shape[1:3])
        y = ctx.empty("y", (len(x), *grid.outputs, self.filters))
        convolve(ctx, grid, x, matrices(arrays["weight"], self.groups), y)
        if self.bias:
            y += arrays["bias"]
        return y, x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, doutput: Array, grads: Grads
    ) -> Array | None:
        grid, dy = self._windows.grid(*x.shape[1:3]), ctx.contiguous("dy", doutput)
        if self.bias:
            grads["bias"][...] = channel_sums(ctx, dy.reshape(len(dy), -1, self.filters))
        dx = ctx.empty("dx", x.shape) if ctx.needs_input_grad[0] else None
        return gradients(ctx, grid, x, dy, arrays["weight"], grads["weight"], dx)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(filters=3, kernel_size=3), (4, 5, 2), linear=True)
        yield Example(cls(filters=2, kernel_size=(2, 3), padding="same"), (3, 4, 2), linear=True)
        yield Example(
            cls(filters=2, kernel_size=3, strides=2, padding="same", bias=False), (4, 5, 2)
        )
        yield Example(cls(filters=4, kernel_size=2, groups=2, padding=1, strides=(1, 2)), (3, 4, 4))
        yield Example(
            cls(filters=2, kernel_size=(2, 1), dilation=2, padding=((0, 1), (2, 0))), (3, 2, 1)
        )
        yield Example(cls(filters=2, kernel_size=1, padding=(0, 1)), (None, None, 2), linear=True)

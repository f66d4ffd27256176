"""Convolution of each channel on its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.channels import channel_sums
from mlpk_plugins.layers.parts.depthwise import convolve_each, each_kernel_gradient, spread_each
from mlpk_plugins.layers.parts.image_fields import Padding, Pair, at_least_one, not_negative, pair
from mlpk_plugins.layers.parts.input_shapes import image_shape
from mlpk_plugins.layers.parts.kernel import kernel_param
from mlpk_plugins.layers.parts.windows import Windows


@define
class DepthwiseConv2D(Layer):
    """y[p, q, c m + k] = b[c m + k] + sum over i, j of x[p s + i d - top, ..., c] W[i, j, 0, c m + k].

    A conv2d with a group for each channel, and its arrays; m is `depth_multiplier` >= 1, k from 0
    to m - 1. x (height, width, channels) -> y (rows, columns, channels m); weight (kh, kw, 1,
    channels m), bias (channels m,). The other fields as in conv2d.

    Howard et al., MobileNets: efficient convolutional neural networks for mobile vision
    applications, arXiv:1704.04861.
    """

    kind: ClassVar[str] = "depthwise_conv2d"

    kernel_size: Pair = field(validator=at_least_one)
    strides: Pair = field(default=1, validator=at_least_one)
    padding: Padding = field(default="valid", validator=not_negative)
    dilation: Pair = field(default=1, validator=at_least_one)
    depth_multiplier: int = field(default=1, validator=ge(1))
    bias: bool = True
    init: Initializer | str = "glorot_uniform"

    def declare(self, x: Shape) -> Declaration:
        height, width, depth = image_shape(x)
        window, channels = pair(self.kernel_size), known(depth)
        filters = channels * self.depth_multiplier
        params = {"weight": kernel_param(window, channels, filters, channels, self.init)}
        if self.bias:
            params["bias"] = Param((filters,), "zeros", decay=False)
        return Declaration((*self._windows.outputs(height, width), filters), params)

    @property
    def _windows(self) -> Windows:
        return Windows.on_images(self.kernel_size, self.strides, self.padding, self.dilation)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        grid = self._windows.grid(*x.shape[1:3])
        kernel = arrays["weight"].reshape(grid.elements, -1)
        y = ctx.empty("y", (len(x), *grid.outputs, kernel.shape[-1]))
        convolve_each(ctx, grid, x, kernel, y)
        if self.bias:
            y += arrays["bias"]
        return y, x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, doutput: Array, grads: Grads
    ) -> Array | None:
        grid, dy = self._windows.grid(*x.shape[1:3]), ctx.contiguous("dy", doutput)
        each_kernel_gradient(ctx, grid, x, dy, grads["weight"].reshape(grid.elements, -1))
        if self.bias:
            grads["bias"][...] = channel_sums(ctx, dy.reshape(len(dy), -1, dy.shape[-1]))
        if not ctx.needs_input_grad[0]:
            return None
        kernel = arrays["weight"].reshape(grid.elements, -1)
        return spread_each(ctx, grid, dy, kernel, ctx.empty("dx", x.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(kernel_size=3), (4, 5, 2), linear=True)
        yield Example(
            cls(kernel_size=(2, 3), strides=2, padding="same", depth_multiplier=2), (4, 5, 2)
        )
        yield Example(cls(kernel_size=2, dilation=2, padding=1, bias=False), (None, 4, 3))
        yield Example(cls(kernel_size=1, depth_multiplier=3), (2, 2, 2), linear=True)

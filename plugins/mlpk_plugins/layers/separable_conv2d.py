"""Convolution in two steps: over places, then over channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
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
class SeparableConv2D(Layer):
    """y = z P + b on the last axis, z = depthwise convolution of x: see depthwise_conv2d.

    x (height, width, channels) -> z (rows, columns, channels m) -> y (rows, columns, filters);
    depthwise_weight (kh, kw, 1, channels m), pointwise_weight P (1, 1, channels m, filters), bias
    (filters,); m is `depth_multiplier` >= 1, filters >= 1. `init` draws both weights. The other
    fields as in conv2d.

    Chollet, Xception: deep learning with depthwise separable convolutions, CVPR 2017.
    """

    kind: ClassVar[str] = "separable_conv2d"

    filters: int = field(validator=ge(1))
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
        inner = channels * self.depth_multiplier
        params = {
            "depthwise_weight": kernel_param(window, channels, inner, channels, self.init),
            "pointwise_weight": kernel_param((1, 1), inner, self.filters, 1, self.init),
        }
        if self.bias:
            params["bias"] = Param((self.filters,), "zeros", decay=False)
        return Declaration((*self._windows.outputs(height, width), self.filters), params)

    @property
    def _windows(self) -> Windows:
        return Windows.on_images(self.kernel_size, self.strides, self.padding, self.dilation)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, tuple[Array, Array]]:
        grid = self._windows.grid(*x.shape[1:3])
        kernel = arrays["depthwise_weight"].reshape(grid.elements, -1)
        z = ctx.empty("z", (len(x), *grid.outputs, kernel.shape[-1]))
        convolve_each(ctx, grid, x, kernel, z)
        y = ctx.empty("y", (*z.shape[:3], self.filters))
        np.matmul(_rows(z), arrays["pointwise_weight"][0, 0], out=_rows(y))
        if self.bias:
            y += arrays["bias"]
        return y, (x, z)

    def backward(
        self,
        arrays: Arrays,
        ctx: Context,
        saved: tuple[Array, Array],
        doutput: Array,
        grads: Grads,
    ) -> Array | None:
        (x, z), dy = saved, ctx.contiguous("dy", doutput)
        grid = self._windows.grid(*x.shape[1:3])
        np.matmul(_rows(z).T, _rows(dy), out=grads["pointwise_weight"][0, 0])
        if self.bias:
            grads["bias"][...] = channel_sums(ctx, dy.reshape(len(dy), -1, self.filters))
        dz = ctx.empty("dz", z.shape)
        np.matmul(_rows(dy), arrays["pointwise_weight"][0, 0].T, out=_rows(dz))
        each_kernel_gradient(ctx, grid, x, dz, grads["depthwise_weight"].reshape(grid.elements, -1))
        if not ctx.needs_input_grad[0]:
            return None
        kernel = arrays["depthwise_weight"].reshape(grid.elements, -1)
        return spread_each(ctx, grid, dz, kernel, ctx.empty("dx", x.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(filters=3, kernel_size=3), (4, 5, 2), linear=True)
        yield Example(
            cls(filters=2, kernel_size=2, strides=2, padding="same", depth_multiplier=2), (3, 4, 2)
        )
        yield Example(cls(filters=2, kernel_size=2, padding=1, bias=False), (None, None, 2))


def _rows(z: Array) -> Array:
    return z.reshape(-1, z.shape[-1])

"""Transposed convolution over images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import attrs
import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Context, Declaration, Example, Initializer, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.channels import channel_sums
from mlpk_plugins.layers.parts.convolution import convolve, kernel_gradient, spread
from mlpk_plugins.layers.parts.grid import Grid
from mlpk_plugins.layers.parts.image_fields import Padding, Pair, at_least_one, not_negative, pair
from mlpk_plugins.layers.parts.input_shapes import image_shape
from mlpk_plugins.layers.parts.kernel import adjoint_matrices, by_input, kernel_param
from mlpk_plugins.layers.parts.windows import Windows


def _below_strides(layer: Any, field: attrs.Attribute[Any], value: Pair) -> None:
    not_negative(layer, field, value)
    if layer.padding == "same" and value not in (0, (0, 0)):
        raise ValueError(f"must be 0 with padding 'same', found {value}")
    for extra, stride in zip(pair(value), pair(layer.strides), strict=True):
        if extra >= stride:
            raise ValueError(f"must be smaller than the stride of {stride}, found {extra}")


@define
class Conv2DTranspose(Layer):
    """The adjoint of a convolution: y[p s + i d - top, q s + j d - left, f] += x[p, q, c] W[i, j, c, f].

    x (height, width, c_in) -> y (rows, columns, filters), b[f] added; weight (kh, kw, c_in /
    groups, filters), bias (filters,). With the same fields, conv2d takes images of y's size to
    ones of x's. What falls into the padding is cut off: rows = (height - 1) s + (kh - 1) d + 1 -
    top - bottom + `output_padding`, which is from 0 to s - 1 rows more at the end; "same" gives
    rows = height s. The other fields as in conv2d.

    Zeiler et al., Deconvolutional networks, CVPR 2010.
    """

    kind: ClassVar[str] = "conv2d_transpose"

    filters: int = field(validator=ge(1))
    kernel_size: Pair = field(validator=at_least_one)
    strides: Pair = field(default=1, validator=at_least_one)
    padding: Padding = field(default="valid", validator=not_negative)
    output_padding: Pair = field(default=0, validator=_below_strides)
    dilation: Pair = field(default=1, validator=at_least_one)
    groups: int = field(default=1, validator=ge(1))
    bias: bool = True
    init: Initializer | str = "glorot_uniform"

    def declare(self, x: Shape) -> Declaration:
        rows, columns, depth = image_shape(x)
        window, channels = pair(self.kernel_size), known(depth)
        params = {"weight": kernel_param(window, channels, self.filters, self.groups, self.init)}
        if self.bias:
            params["bias"] = Param((self.filters,), "zeros", decay=False)
        lengths = self._windows.lengths(rows, columns, self.output_padding)
        return Declaration((*lengths, self.filters), params, positions=(rows, columns))

    @property
    def _windows(self) -> Windows:
        return Windows.on_images(self.kernel_size, self.strides, self.padding, self.dilation)

    def _grid(self, x: Array) -> Grid:
        _, rows, columns, _ = x.shape
        lengths = self._windows.lengths(rows, columns, self.output_padding)
        return self._windows.grid(*map(known, lengths))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        grid, rows = self._grid(x), ctx.contiguous("x", x)
        y = ctx.empty("y", (len(x), *grid.lengths, self.filters))
        spread(ctx, grid, rows, adjoint_matrices(ctx, arrays["weight"], self.groups), y)
        if self.bias:
            y += arrays["bias"]
        return y, rows

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads
    ) -> Array | None:
        grid, weight = self._grid(x), adjoint_matrices(ctx, arrays["weight"], self.groups)
        dweight = ctx.empty("dweight", weight.shape)
        kernel_gradient(ctx, grid, dy, x, dweight)
        parts = by_input(grads["weight"], self.groups)
        np.copyto(parts, dweight.reshape(parts.shape))
        if self.bias:
            rows = ctx.contiguous("dy", dy).reshape(len(dy), -1, self.filters)
            grads["bias"][...] = channel_sums(ctx, rows)
        if not ctx.needs_input_grad[0]:
            return None
        return convolve(ctx, grid, dy, weight, ctx.empty("dx", x.shape))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(filters=3, kernel_size=3), (2, 3, 2), linear=True)
        yield Example(cls(filters=2, kernel_size=3, strides=2, padding="same"), (2, 3, 2))
        yield Example(
            cls(filters=4, kernel_size=2, strides=(2, 3), padding=1, output_padding=1, groups=2),
            (3, 2, 4),
        )
        yield Example(
            cls(filters=2, kernel_size=2, dilation=2, padding=((0, 1), (1, 0)), bias=False),
            (None, None, 1),
            linear=True,
        )

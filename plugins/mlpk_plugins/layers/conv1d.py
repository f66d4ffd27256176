"""Convolution over sequences."""

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
from mlpk_plugins.layers.parts.image_fields import Padding1d, at_least_one, not_negative
from mlpk_plugins.layers.parts.input_shapes import sequence_shape
from mlpk_plugins.layers.parts.kernel import kernel_param, matrices
from mlpk_plugins.layers.parts.windows import Windows


@define
class Conv1D(Layer):
    """y[t, f] = b[f] + sum over i, c of x[t s + i d - before, c] W[i, c, f].

    x (steps, c_in) -> y (windows, filters); weight (k, c_in / groups, filters), bias (filters,).
    s is `strides`, d is `dilation`, >= 1; x is 0 in the padding: "valid" has none, "same" gives
    ceil(steps / s) windows with an odd step after the end; a number >= 0 is at both ends, a pair
    (before, after), so that ((k - 1) d, 0) looks at no later step. `groups` parts channels and
    filters in order: a filter sees the channels of its group. windows = (steps + before + after
    - (k - 1) d - 1) // s + 1.

    Waibel et al., Phoneme recognition using time-delay neural networks, IEEE ASSP 1989.
    """

    kind: ClassVar[str] = "conv1d"

    filters: int = field(validator=ge(1))
    kernel_size: int = field(validator=at_least_one)
    strides: int = field(default=1, validator=at_least_one)
    padding: Padding1d = field(default="valid", validator=not_negative)
    dilation: int = field(default=1, validator=at_least_one)
    groups: int = field(default=1, validator=ge(1))
    bias: bool = True
    init: Initializer | str = "glorot_uniform"

    def declare(self, x: Shape) -> Declaration:
        steps, features = sequence_shape(x)
        window, channels = (self.kernel_size,), known(features)
        params = {"weight": kernel_param(window, channels, self.filters, self.groups, self.init)}
        if self.bias:
            params["bias"] = Param((self.filters,), "zeros", decay=False)
        windows, _ = self._windows.outputs(steps, 1)
        return Declaration((windows, self.filters), params)

    @property
    def _windows(self) -> Windows:
        return Windows.on_sequences(self.kernel_size, self.strides, self.padding, self.dilation)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        image = x[:, :, None]
        grid = self._windows.grid(*image.shape[1:3])
        y = ctx.empty("y", (len(x), *grid.outputs, self.filters))
        convolve(ctx, grid, image, matrices(arrays["weight"], self.groups), y)
        if self.bias:
            y += arrays["bias"]
        return y[:, :, 0], image

    def backward(
        self, arrays: Arrays, ctx: Context, image: Array, doutput: Array, grads: Grads
    ) -> Array | None:
        grid, dy = self._windows.grid(*image.shape[1:3]), ctx.contiguous("dy", doutput)
        if self.bias:
            grads["bias"][...] = channel_sums(ctx, dy)
        weight, dweight = arrays["weight"][:, None], grads["weight"][:, None]
        dx = ctx.empty("dx", image.shape) if ctx.needs_input_grad[0] else None
        dx = gradients(ctx, grid, image, dy[:, :, None], weight, dweight, dx)
        return None if dx is None else dx[:, :, 0]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(filters=3, kernel_size=3), (6, 2), linear=True)
        yield Example(cls(filters=2, kernel_size=2, strides=2, padding="same"), (5, 2), linear=True)
        yield Example(cls(filters=2, kernel_size=3, dilation=2, padding=(4, 0)), (None, 2))
        yield Example(cls(filters=4, kernel_size=2, groups=2, padding=1, bias=False), (4, 4))

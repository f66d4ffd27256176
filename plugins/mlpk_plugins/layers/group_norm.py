"""Group normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge, gt

from mlpk import Context, Declaration, Example, Layer, Param, ShapeError, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.input_shapes import last_axis
from mlpk_plugins.layers.parts.normalisation import (
    Normalised,
    affine_back,
    normalise,
    normalise_back,
)


@define
class GroupNorm(Layer):
    """y = gamma * xhat + beta, xhat = (x - mean) / sqrt(var + eps), for each row and group.

    x (n, ..., channels) -> y alike; gamma, beta (channels,). The channels (last axis) are cut into
    `groups` neighbours of equal number; mean and (biased) variance are those of one group in one
    row, over all positions. groups=1 takes a row as a whole; groups=channels each channel for
    itself, which is instance normalisation.

    With g = gamma * dy: dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(var + eps);
    dgamma = sum(dy * xhat), dbeta = sum(dy).

    groups >= 1 divides the channels, eps > 0. Wu and He, Group normalization, ECCV 2018.
    """

    kind: ClassVar[str] = "group_norm"

    groups: int = field(validator=ge(1))
    eps: float = field(default=1e-5, validator=gt(0))

    def declare(self, x: Shape) -> Declaration:
        channels = known(last_axis(x, "channels"))
        if channels % self.groups:
            raise ShapeError(
                f"wanted channels that {self.groups} groups divide, found {channels}; "
                "choose a number of groups that divides them"
            )
        params = {
            "gamma": Param((channels,), "ones", decay=False),
            "beta": Param((channels,), "zeros", decay=False),
        }
        return Declaration(x, params)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Normalised]:
        rows = ctx.contiguous("x", x).reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])
        inverse = ctx.empty("inverse", (len(x), 1, x.shape[-1]))
        gamma, beta = arrays["gamma"], arrays["beta"]
        y, saved = normalise(ctx, rows, gamma, beta, self.eps, self._means, inverse)
        return y.reshape(x.shape), saved

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Normalised, doutput: Array, grads: Grads
    ) -> Array | None:
        dy = ctx.contiguous("dy", doutput).reshape(saved.xhat.shape)
        affine_back(ctx, saved, dy, grads["gamma"], grads["beta"])
        if not ctx.needs_input_grad[0]:
            return None
        return normalise_back(ctx, saved, dy, arrays["gamma"], self._means).reshape(doutput.shape)

    def _means(self, ctx: Context, x: Array, out: Array) -> Array:
        """Write each group's mean to all of its channels in out (n, 1, channels), and return it."""
        n, positions, channels = x.shape
        shares = ctx.empty("shares", (positions,))
        shares.fill(self.groups / (positions * channels))
        np.matmul(shares, x, out=out[:, 0])
        grouped = out.reshape(n, self.groups, channels // self.groups)
        means = ctx.empty("means", (n, self.groups, 1))
        grouped[...] = np.add.reduce(grouped, axis=-1, keepdims=True, out=means)
        return out

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(groups=2), (4,))
        yield Example(cls(groups=1), (None, 3))
        yield Example(cls(groups=3, eps=0.1), (2, 2, 3))

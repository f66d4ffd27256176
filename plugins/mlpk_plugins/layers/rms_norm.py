"""Normalisation by the root of the mean square."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import gt

from mlpk import Context, Declaration, Example, Layer, Param, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.input_shapes import last_axis
from mlpk_plugins.layers.parts.sums import column_sums, row_means


class Saved(NamedTuple):
    """What the way back needs."""

    xhat: Array  # (rows, features)
    inverse: Array  # (rows, 1): 1 / sqrt(mean(x**2) + eps)


@define
class RMSNorm(Layer):
    """y = gamma * xhat, xhat = x / sqrt(mean(x**2) + eps), over the last axis.

    x (..., features) -> y alike; gamma (features,). With g = gamma * dy:
    dx = (g - xhat * mean(g * xhat)) / sqrt(mean(x**2) + eps); dgamma = sum(dy * xhat).

    eps > 0; the default is that of Keras and of the networks that made it common. Zhang and
    Sennrich, Root mean square layer normalization, NeurIPS 2019.
    """

    kind: ClassVar[str] = "rms_norm"

    eps: float = field(default=1e-6, validator=gt(0))

    def declare(self, x: Shape) -> Declaration:
        return Declaration(
            x, {"gamma": Param((known(last_axis(x, "features")),), "ones", decay=False)}
        )

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Saved]:
        rows = ctx.matrix("x", x)
        xhat, y = ctx.empty("xhat", rows.shape), ctx.empty("y", rows.shape)
        inverse = ctx.empty("inverse", (len(rows), 1))
        row_means(ctx, np.multiply(rows, rows, out=y), inverse)
        inverse += self.eps
        np.divide(1, np.sqrt(inverse, out=inverse), out=inverse)
        np.multiply(rows, inverse, out=xhat)
        np.multiply(xhat, arrays["gamma"], out=y)
        return y.reshape(x.shape), Saved(xhat, inverse)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, doutput: Array, grads: Grads
    ) -> Array | None:
        xhat, inverse = saved
        dy = ctx.contiguous("dy", doutput).reshape(xhat.shape)
        dx = np.multiply(dy, xhat, out=ctx.empty("dx", xhat.shape))
        column_sums(ctx, dx, grads["gamma"])
        if not ctx.needs_input_grad[0]:
            return None
        dx *= arrays["gamma"]
        mean = row_means(ctx, dx, ctx.empty("mean", inverse.shape))
        np.multiply(xhat, mean, out=dx)
        g = np.multiply(dy, arrays["gamma"], out=ctx.empty("g", xhat.shape))
        np.subtract(g, dx, out=dx)
        dx *= inverse
        return dx.reshape(doutput.shape)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(eps=0.1), (None, 2, 4))

"""Layer normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import ge, gt

from mlpk import Context, Declaration, Example, Layer, Param, ShapeError, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.contiguous import contiguous
from mlpk_plugins.layers.sums import column_sums, row_means


class Saved(NamedTuple):
    """What the way back needs."""

    xhat: Array  # (rows, features)
    inverse: Array  # (rows, 1): 1 / sqrt(var + eps)


@define
class LayerNorm(Layer):
    """y = gamma * xhat + beta, xhat = (x - mean) / sqrt(var + eps), over the last `axes` axes.

    x (n, ..., features) -> y alike; gamma, beta (features), where features are the lengths of the
    last `axes` axes. Mean and (biased) variance are those of one row, at one place of the axes
    before them: no row depends on another, and training is like evaluation.

    With g = gamma * dy: dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(var + eps);
    dgamma = sum(dy * xhat), dbeta = sum(dy).

    axes >= 1, eps > 0. Ba, Kiros and Hinton, Layer normalization, 2016.
    """

    kind: ClassVar[str] = "layer_norm"

    axes: int = field(default=1, validator=ge(1))
    eps: float = field(default=1e-5, validator=gt(0))

    def declare(self, x: Shape) -> Declaration:
        if len(x) < self.axes:
            raise ShapeError(f"wanted {self.axes} or more axes beside the batch, found {len(x)}")
        shape = tuple(known(length) for length in x[-self.axes :])
        params = {
            "gamma": Param(shape, "ones", decay=False),
            "beta": Param(shape, "zeros", decay=False),
        }
        return Declaration(x, params)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Saved]:
        gamma, beta = arrays["gamma"].ravel(), arrays["beta"].ravel()
        rows = contiguous(ctx, "x", x).reshape(-1, len(gamma))
        xhat, y = ctx.empty("xhat", rows.shape), ctx.empty("y", rows.shape)
        inverse = ctx.empty("inverse", (len(rows), 1))
        np.subtract(rows, row_means(ctx, rows, inverse), out=xhat)
        # A mean is off by its rounding, which counts where the deviation is small beside it.
        xhat -= row_means(ctx, xhat, inverse)
        row_means(ctx, np.multiply(xhat, xhat, out=y), inverse)
        inverse += self.eps
        np.divide(1, np.sqrt(inverse, out=inverse), out=inverse)
        xhat *= inverse
        np.multiply(xhat, gamma, out=y)
        y += beta
        return y.reshape(x.shape), Saved(xhat, inverse)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Saved, doutput: Array, grads: Grads
    ) -> Array | None:
        xhat, inverse = saved
        dy = contiguous(ctx, "dy", doutput).reshape(xhat.shape)
        dx = np.multiply(dy, xhat, out=ctx.empty("dx", xhat.shape))
        column_sums(ctx, dx, grads["gamma"].reshape(-1))
        column_sums(ctx, dy, grads["beta"].reshape(-1))
        if not ctx.needs_input_grad[0]:
            return None
        mean = ctx.empty("mean", inverse.shape)
        g = np.multiply(dy, arrays["gamma"].ravel(), out=ctx.empty("g", xhat.shape))
        np.multiply(g, xhat, out=dx)
        np.multiply(xhat, row_means(ctx, dx, mean), out=dx)
        g -= row_means(ctx, g, mean)
        np.subtract(g, dx, out=dx)
        dx *= inverse
        return dx.reshape(doutput.shape)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(), (None, 4))
        yield Example(cls(axes=2, eps=0.1), (2, 3, 2))

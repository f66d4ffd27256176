"""Layer normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import field
from attrs.validators import ge, gt

from mlpk import Context, Declaration, Example, Layer, Param, ShapeError, define
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape, known
from mlpk_plugins.layers.parts.normalisation import (
    Normalised,
    affine_back,
    normalise,
    normalise_back,
)
from mlpk_plugins.layers.parts.sums import row_means


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
        return Declaration(x, params, positions=(0,))

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Normalised]:
        gamma, beta = arrays["gamma"].ravel(), arrays["beta"].ravel()
        rows = ctx.contiguous("x", x).reshape(-1, len(gamma))
        inverse = ctx.empty("inverse", (len(rows), 1))
        y, saved = normalise(ctx, rows, gamma, beta, self.eps, row_means, inverse)
        return y.reshape(x.shape), saved

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Normalised, doutput: Array, grads: Grads
    ) -> Array | None:
        dy = ctx.contiguous("dy", doutput).reshape(saved.xhat.shape)
        affine_back(ctx, saved, dy, grads["gamma"].reshape(-1), grads["beta"].reshape(-1))
        if not ctx.needs_input_grad[0]:
            return None
        gamma = arrays["gamma"].ravel()
        return normalise_back(ctx, saved, dy, gamma, row_means).reshape(doutput.shape)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (3,))
        yield Example(cls(), (None, 4))
        yield Example(cls(axes=2, eps=0.1), (2, 3, 2))

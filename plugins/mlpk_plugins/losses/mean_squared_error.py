"""The mean of squares."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar

import numpy as np

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.row_mean import scaled
from mlpk_plugins.losses.parts.targets import alike
from mlpk_plugins.losses.parts.weights import drop_uncounted, row_weights, shares


@define
class MeanSquaredError(Loss):
    """l = (y - t)**2 for each element; the mean is sum(w * l) / sum(w).

    Predictions y (n, ...), targets t (n, ...); (n,) serves for (n, 1). The mean is over all
    elements, each with its row's weight w; if all weights are 0, so are the loss and its
    gradient, which is 2 * (y - t) * w / sum(w).
    """

    kind: ClassVar[str] = "mean_squared_error"

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        alike((None, *prediction), target)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array]]:
        t = alike(prediction.shape, target)
        n, elements = len(prediction), prod(prediction.shape[1:])
        errors = np.subtract(prediction, t, out=ctx.empty("errors", prediction.shape))
        share = shares(ctx, row_weights(ctx, weight, n))
        share /= elements
        rows = errors.reshape(n, elements)
        losses = np.einsum("ne,ne->n", rows, rows, out=ctx.empty("losses", (n,)))
        drop_uncounted(ctx, losses, share[:, 0])
        losses *= share[:, 0]
        return float(np.sum(losses, dtype=np.float64)), (errors, share)

    def backward(self, ctx: Context, saved: tuple[Array, Array]) -> Array:
        errors, share = saved
        return scaled(ctx, np.multiply(errors, 2, out=ctx.empty("dy", errors.shape)), share)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.standard_normal((n, 1)), rng.random(n)))
        yield Example(
            cls(),
            (2, 3),
            draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.integers(-2, 3, (n, 2, 3))),
        )

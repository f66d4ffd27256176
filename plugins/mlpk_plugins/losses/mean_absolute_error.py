"""The mean of absolute values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.row_mean import row_mean, scaled
from mlpk_plugins.losses.parts.targets import alike


@define
class MeanAbsoluteError(Loss):
    """l = abs(y - t) for each element; the mean is sum(w * l) / sum(w).

    Predictions y (n, ...), targets t (n, ...); (n,) serves for (n, 1). The mean is over all
    elements, each with its row's weight w; if all weights are 0, so are the loss and its
    gradient, which is sign(y - t) * w / sum(w), and 0 where y = t.
    """

    kind: ClassVar[str] = "mean_absolute_error"

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        alike((None, *prediction), target)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array]]:
        t = alike(prediction.shape, target)
        errors = np.subtract(prediction, t, out=ctx.empty("errors", prediction.shape))
        losses = np.abs(errors, out=ctx.empty("losses", errors.shape))
        value, share = row_mean(ctx, losses, weight)
        return value, (errors, share)

    def backward(self, ctx: Context, saved: tuple[Array, Array]) -> Array:
        errors, share = saved
        return scaled(ctx, np.sign(errors, out=ctx.empty("dy", errors.shape)), share)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.standard_normal((n, 1)), rng.random(n)))
        yield Example(
            cls(),
            (2, 3),
            draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.integers(-2, 3, (n, 2, 3))),
        )

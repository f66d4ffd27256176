"""Huber's loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import gt

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.row_mean import row_mean, scaled
from mlpk_plugins.losses.parts.targets import alike


@define
class Huber(Loss):
    """l = e**2 / 2 where |e| <= delta, else delta * (|e| - delta / 2), of each error e = y - t.

    Squares near the target, and a straight line beyond, so that outliers pull no harder than
    delta. The mean is sum(w * l) / sum(w). Predictions y (n, ...), targets t (n, ...); (n,)
    serves for (n, 1). The mean is over all elements, each with its row's weight w; if all weights
    are 0, so are the loss and its gradient. delta > 0.

    With c = min(max(e, -delta), delta) it is l = c * (e - c / 2), and its gradient
    c * w / sum(w). P. J. Huber, Robust estimation of a location parameter, 1964.
    """

    kind: ClassVar[str] = "huber"

    delta: float = field(default=1.0, validator=gt(0))

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        alike((None, *prediction), target)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array]]:
        t = alike(prediction.shape, target)
        errors = np.subtract(prediction, t, out=ctx.empty("errors", prediction.shape))
        clipped = np.clip(errors, -self.delta, self.delta, out=ctx.empty("clipped", errors.shape))
        losses = np.multiply(clipped, -0.5, out=ctx.empty("losses", errors.shape))
        losses += errors
        losses *= clipped
        value, share = row_mean(ctx, losses, weight)
        return value, (clipped, share)

    def backward(self, ctx: Context, saved: tuple[Array, Array]) -> Array:
        clipped, share = saved
        dy = ctx.empty("dy", clipped.shape)
        np.copyto(dy, clipped)
        return scaled(ctx, dy, share)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.standard_normal((n, 1)), rng.random(n)))
        yield Example(
            cls(delta=0.3),
            (2, 3),
            draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.integers(-2, 3, (n, 2, 3))),
        )

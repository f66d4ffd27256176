"""The logarithm of the hyperbolic cosine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.row_mean import row_mean, scaled
from mlpk_plugins.losses.parts.targets import alike

# From here on log(cosh(e)) is |e| - log(2), to the last digit of float64.
STRAIGHT = 20.0


@define
class LogCosh(Loss):
    """l = log(cosh(e)) of each error e = y - t; the mean is sum(w * l) / sum(w).

    Near e**2 / 2 for small errors and |e| - log(2) for large ones. Predictions y (n, ...),
    targets t (n, ...); (n,) serves for (n, 1). The mean is over all elements, each with its row's
    weight w; if all weights are 0, so are the loss and its gradient, which is
    tanh(e) * w / sum(w).

    Computed as log(1 + 2 * sinh(c / 2)**2) + |e| - c with c = min(|e|, 20): it never overflows,
    and a small error keeps all of its digits.
    """

    kind: ClassVar[str] = "log_cosh"

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        alike((None, *prediction), target)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array]]:
        t = alike(prediction.shape, target)
        errors = np.subtract(prediction, t, out=ctx.empty("errors", prediction.shape))
        size = np.abs(errors, out=ctx.empty("size", errors.shape))
        losses = np.minimum(size, STRAIGHT, out=ctx.empty("losses", errors.shape))
        size -= losses
        losses *= 0.5
        np.sinh(losses, out=losses)
        losses *= losses
        losses *= 2
        np.log1p(losses, out=losses)
        losses += size
        value, share = row_mean(ctx, losses, weight)
        return value, (errors, share)

    def backward(self, ctx: Context, saved: tuple[Array, Array]) -> Array:
        errors, share = saved
        return scaled(ctx, np.tanh(errors, out=ctx.empty("dy", errors.shape)), share)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.standard_normal((n, 1)), rng.random(n)))
        yield Example(
            cls(),
            (2, 3),
            draw=lambda rng, n: (
                30 * rng.standard_normal((n, 2, 3)),
                rng.integers(-2, 3, (n, 2, 3)),
            ),
        )

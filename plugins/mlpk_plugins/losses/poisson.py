"""The likelihood of counts."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import ClassVar

import numpy as np

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.row_mean import row_mean, scaled
from mlpk_plugins.losses.parts.targets import alike, check_range


@define
class Poisson(Loss):
    """l = exp(z) - t * z for each element; the mean is sum(w * l) / sum(w).

    Minus the logarithm of the likelihood of a count t under a Poisson distribution, less log(t!),
    which does not depend on the prediction. Predictions z (n, ...) are logarithms of the expected
    count, so that any real number is one: end the network in a plain dense layer, and take
    exp(model.predict(x)) for the counts. Targets t (n, ...) are from 0 on; (n,) serves for (n, 1).

    The mean is over all elements, each with its row's weight w; if all weights are 0, so are the
    loss and its gradient, which is (exp(z) - t) * w / sum(w). Beyond z = 88 in float32, 709 in
    float64, the loss is too large for its dtype, and infinite.
    """

    kind: ClassVar[str] = "poisson"

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        check_range(alike((None, *prediction), target), 0, inf)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array, Array]]:
        z, t = prediction, alike(prediction.shape, target)
        with np.errstate(over="ignore"):
            expected = np.exp(z, out=ctx.empty("expected", z.shape))
        losses = np.multiply(z, t, out=ctx.empty("losses", z.shape))
        np.subtract(expected, losses, out=losses)
        value, share = row_mean(ctx, losses, weight)
        return value, (expected, t, share)

    def backward(self, ctx: Context, saved: tuple[Array, Array, Array]) -> Array:
        expected, t, share = saved
        return scaled(ctx, np.subtract(expected, t, out=ctx.empty("dz", expected.shape)), share)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.standard_normal((n, 1)), rng.random(n)))
        yield Example(
            cls(),
            (2, 3),
            draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.poisson(2.0, (n, 2, 3))),
        )

"""The hinge loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.binary_targets import check_two
from mlpk_plugins.losses.row_mean import row_mean, scaled
from mlpk_plugins.losses.targets import alike

ADVICE = "labels 0 and 1 become these by 2 * y - 1"


@define
class Hinge(Loss):
    """l = max(0, 1 - t * y) for each element; the mean is sum(w * l) / sum(w).

    Predictions y (n, ...) are scores, whose sign is the answer; targets t (n, ...) are -1 or 1;
    (n,) serves for (n, 1). The mean is over all elements, each with its row's weight w; if all
    weights are 0, so are the loss and its gradient, which is -t * w / sum(w) where t * y < 1,
    else 0. Cortes and Vapnik, Support-vector networks, 1995.
    """

    kind: ClassVar[str] = "hinge"

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        check_two(alike((None, *prediction), target), -1, 1, ADVICE)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array, Array]]:
        t = alike(prediction.shape, target)
        check_two(t, -1, 1, ADVICE, ctx)
        gaps = np.multiply(prediction, t, out=ctx.empty("gaps", prediction.shape))
        np.subtract(1, gaps, out=gaps)
        np.maximum(gaps, 0, out=gaps)
        value, share = row_mean(ctx, gaps, weight)
        return value, (gaps, t, share)

    def backward(self, ctx: Context, saved: tuple[Array, Array, Array]) -> Array:
        gaps, t, share = saved
        dy = np.sign(gaps, out=ctx.empty("dy", gaps.shape))
        dy *= t
        return scaled(np.negative(dy, out=dy), share)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: _drawn(rng, (n, 1), (n,)))
        yield Example(cls(), (2, 3), draw=lambda rng, n: _drawn(rng, (n, 2, 3), (n, 2, 3)))


def _drawn(
    rng: np.random.Generator, scores: tuple[int, ...], signs: tuple[int, ...]
) -> tuple[Array, Array]:
    return rng.standard_normal(scores), rng.choice([-1, 1], signs)

"""The square of the hinge loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.hinge import ADVICE
from mlpk_plugins.losses.parts.binary_targets import check_two, counted, settled
from mlpk_plugins.losses.parts.margin_examples import examples_of_margins
from mlpk_plugins.losses.parts.row_mean import row_mean, scaled
from mlpk_plugins.losses.parts.targets import alike
from mlpk_plugins.losses.parts.weights import mass_of, not_negative


@define
class SquaredHinge(Loss):
    """l = max(0, 1 - t * y)**2 for each element; the mean is sum(w * l) / sum(w).

    Predictions y (n, ...) are scores, whose sign is the answer; targets t (n, ...) are -1 or 1;
    (n,) serves for (n, 1). The mean is over all elements, each with its row's weight w;
    `class_weight` and `ignore_index` as in `hinge`. If all weights are 0, so are the loss and its
    gradient, which is -2 * t * max(0, 1 - t * y) * w / sum(w). Y. Tang, Deep learning using linear
    support vector machines, 2013.
    """

    kind: ClassVar[str] = "squared_hinge"

    class_weight: tuple[float, float] | None = field(default=None, validator=not_negative)
    ignore_index: int | None = None

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        check_two(alike((None, *prediction), target), -1, 1, ADVICE, ignored=self.ignore_index)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array, Array]]:
        given = alike(prediction.shape, target)
        t = settled(ctx, given, self.ignore_index, 1)
        gaps = np.multiply(prediction, t, out=ctx.empty("gaps", prediction.shape))
        np.subtract(1, gaps, out=gaps)
        np.maximum(gaps, 0, out=gaps)
        losses = np.multiply(gaps, gaps, out=ctx.empty("losses", gaps.shape))
        value, share = row_mean(ctx, losses, weight, self._counted(ctx, given))
        return value, (gaps, t, share)

    def backward(self, ctx: Context, saved: tuple[Array, Array, Array]) -> Array:
        gaps, t, share = saved
        dy = np.multiply(gaps, -2, out=ctx.empty("dy", gaps.shape))
        dy *= t
        return scaled(ctx, dy, share)

    def mass(
        self, ctx: Context, prediction: tuple[int, ...], target: Array, weight: Array | None
    ) -> float:
        each = self._counted(ctx, alike(prediction, target))
        if each is None:
            return super().mass(ctx, prediction, target, weight)
        return mass_of(ctx, each, weight)

    def _counted(self, ctx: Context, target: Array) -> Array | None:
        return counted(ctx, target, (-1, 1), self.class_weight, self.ignore_index)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield from examples_of_margins(cls(), cls(class_weight=(1.0, 3.0), ignore_index=0))

"""Cross-entropy of probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, lt

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts import class_shares
from mlpk_plugins.losses.parts.draws import three_probabilities
from mlpk_plugins.losses.parts.targets import cross, cross_gradient
from mlpk_plugins.losses.parts.weights import not_negative


@define
class CrossEntropy(Loss):
    """l = -sum_c t_c log(p_c) for each row; the mean is sum(w * l) / sum(w).

    Predictions p (n, ..., classes) are probabilities, for a network that ends in a softmax;
    targets are integer labels (n, ...), or one-hot or soft t (n, ..., classes), told apart by
    shape and dtype, each t >= 0 and their sum over the classes 1, give or take 0.001. Each
    position of a row counts with the row's weight w. `label_smoothing`, `class_weight` and
    `ignore_index` as in `softmax_cross_entropy`. If all weights are 0, so are the loss and its
    gradient.

    A p below the dtype's smallest normal number (1e-38 in float32) is taken for that number, so
    that 0 costs 87 there instead of infinity. The gradient is -t / p * w / sum(w).
    """

    kind: ClassVar[str] = "cross_entropy"
    takes: ClassVar[str] = "probabilities"

    label_smoothing: float = field(default=0.0, validator=and_(ge(0), lt(1)))
    class_weight: tuple[float, ...] | None = field(default=None, validator=not_negative)
    ignore_index: int | None = None

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        class_shares.check(self, prediction, target)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array]]:
        t, _ = class_shares.shared_out(ctx, self, prediction.shape, target, weight)
        least = float(np.finfo(ctx.dtype).tiny)
        p = np.maximum(prediction, least, out=ctx.empty("p", prediction.shape))
        return cross(ctx, t, np.log(p, out=ctx.empty("logs", p.shape))), (p, t)

    def backward(self, ctx: Context, saved: tuple[Array, Array]) -> Array:
        p, t = saved
        return cross_gradient(ctx, t, p)

    def mass(
        self, ctx: Context, prediction: tuple[int, ...], target: Array, weight: Array | None
    ) -> float:
        if self.class_weight is None and self.ignore_index is None:
            return super().mass(ctx, prediction, target, weight)
        return class_shares.mass(ctx, self, prediction, target, weight)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(
            cls(), (3,), draw=lambda rng, n: (three_probabilities(rng, (n,)), rng.integers(0, 3, n))
        )
        yield Example(
            cls(),
            (2, 3),
            draw=lambda rng, n: (
                three_probabilities(rng, (n, 2)),
                three_probabilities(rng, (n, 2)),
            ),
        )
        yield Example(
            cls(label_smoothing=0.1, class_weight=(1.0, 0.5, 2.0), ignore_index=-1),
            (2, 3),
            draw=lambda rng, n: (three_probabilities(rng, (n, 2)), rng.integers(-1, 3, (n, 2))),
        )

"""The Kullback-Leibler divergence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.draws import three_probabilities
from mlpk_plugins.losses.parts.targets import (
    check_class_targets,
    check_classes,
    class_targets,
    cross,
    cross_gradient,
)
from mlpk_plugins.losses.parts.weights import row_weights, shares


@define
class KLDivergence(Loss):
    """l = sum_c t_c log(t_c / p_c) for each row; the mean is sum(w * l) / sum(w).

    Predictions p (n, ..., classes) are probabilities, for a network that ends in a softmax;
    targets are t (n, ..., classes), or integer labels (n, ...), told apart by shape and dtype,
    each t >= 0 and their sum over the classes 1, give or take 0.001. A t_c of 0 adds nothing. Each
    position of a row counts with the row's weight w. If all weights are 0, so are the loss and its
    gradient.

    It is `cross_entropy` less the entropy of the targets: the gradient, -t / p * w / sum(w), is
    the same, and the loss is 0 where p = t. As there, a p below the dtype's smallest normal number
    is taken for that number. Weights of classes, smoothing and labels to be ignored are fields of
    `cross_entropy`. Kullback and Leibler, On information and sufficiency, 1951.
    """

    kind: ClassVar[str] = "kl_divergence"
    takes: ClassVar[str] = "probabilities"

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        check_classes(self.kind, (None, *prediction))
        check_class_targets((None, *prediction), target)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array]]:
        check_classes(self.kind, prediction.shape)
        t = class_targets(ctx, prediction.shape, target)
        least = float(np.finfo(ctx.dtype).tiny)
        p = np.maximum(prediction, least, out=ctx.empty("p", prediction.shape))
        logs = np.log(p, out=ctx.empty("logs", p.shape))
        own = np.maximum(t, least, out=ctx.empty("own", p.shape))
        logs -= np.log(own, out=own)
        t *= shares(ctx, row_weights(ctx, weight, len(prediction), prediction.shape[1:-1]))
        return cross(ctx, t, logs), (p, t)

    def backward(self, ctx: Context, saved: tuple[Array, Array]) -> Array:
        p, t = saved
        return cross_gradient(ctx, t, p)

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

"""Softmax and cross-entropy in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import and_, ge, lt

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts import class_shares
from mlpk_plugins.losses.parts.class_axis import class_peaks
from mlpk_plugins.losses.parts.targets import cross
from mlpk_plugins.losses.parts.weights import not_negative


@define
class SoftmaxCrossEntropy(Loss):
    """l = -sum_c t_c log softmax(z)_c for each row; the mean is sum(w * l) / sum(w).

    Predictions z (n, ..., classes) are logits; targets are integer labels (n, ...), or one-hot
    or soft t (n, ..., classes), told apart by shape and dtype, each t >= 0 and their sum over the
    classes 1, give or take 0.001. Each position of a row counts with the row's weight w.
    `label_smoothing`, 0 <= s < 1, makes t (1 - s) * t + s / classes;
    `class_weight` multiplies w by sum_c class_weight_c * t_c (of t before smoothing), that is the
    weight of the row's class; labels equal to `ignore_index` count nowhere. If all weights are 0,
    so are the loss and its gradient. (As in Keras, that weight is the whole row's, what smoothing
    spreads over the other classes included; PyTorch weighs each class's smoothed share by the
    weight of that class, and divides by the same sum.)

    log softmax(z) = z - max(z) - log(sum_k exp(z_k - max(z))) never overflows; the gradient is
    (softmax(z) * sum(t) - t) * w / sum(w). A logit may be -inf, as of a class that is masked: its
    probability is 0, and so is what it adds to the loss and the gradient where t_c is 0; elsewhere
    the loss is infinite.
    """

    kind: ClassVar[str] = "softmax_cross_entropy"
    takes: ClassVar[str] = "logits"

    label_smoothing: float = field(default=0.0, validator=and_(ge(0), lt(1)))
    class_weight: tuple[float, ...] | None = field(default=None, validator=not_negative)
    ignore_index: int | None = None

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        class_shares.check(self, prediction, target)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array]]:
        t, share = class_shares.shared_out(ctx, self, prediction.shape, target, weight)
        logs, p, wide, column, total, rows, ones, sums = ctx.views("scratch", (t,), _scratch)
        # log p = z - peak - log(total), total = sum(exp(z - peak)); dz = p * sum(t) - t. A column that
        # is spread out first, to `wide`, costs less than one that is broadcast on the way.
        wide[...] = class_peaks(ctx, prediction, column)
        np.subtract(prediction, wide, out=logs)
        np.exp(logs, out=p)
        rows.dot(ones, sums)  # of p over the classes, to total
        column[...] = share
        column /= total
        wide[...] = column
        p *= wide  # softmax(z) * sum(t)
        wide[...] = np.log(total, out=total)
        logs -= wide
        return cross(ctx, t, logs, p), (p, t)

    def backward(self, ctx: Context, saved: tuple[Array, Array]) -> Array:
        p, t = saved
        return np.subtract(p, t, out=ctx.empty("dz", p.shape))

    def mass(
        self, ctx: Context, prediction: tuple[int, ...], target: Array, weight: Array | None
    ) -> float:
        if self.class_weight is None and self.ignore_index is None:
            return super().mass(ctx, prediction, target, weight)
        return class_shares.mass(ctx, self, prediction, target, weight)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (4,), draw=lambda rng, n: _labelled(rng, (n, 4)))
        yield Example(
            cls(label_smoothing=0.1), (2, 3), draw=lambda rng, n: _labelled(rng, (n, 2, 3))
        )
        yield Example(
            cls(class_weight=(1.0, 0.5, 2.0), ignore_index=-1),
            (5, 3),
            draw=lambda rng, n: _labelled(rng, (n, 5, 3), lowest=-1),
        )
        yield Example(cls(class_weight=(1.0, 0.5, 2.0)), (3,), draw=_soft)


def _scratch(like: Array) -> tuple[Array, ...]:
    """Return three arrays shaped like one (n, ..., classes) and two (n, ..., 1).

    Behind them: the second as a matrix, ones for its columns, and the fifth as a vector.
    """
    logs, p, wide = (np.empty_like(like) for _ in range(3))
    column, total = (np.empty_like(like, shape=(*like.shape[:-1], 1)) for _ in range(2))
    rows, sums = p.reshape(-1, like.shape[-1]), total.reshape(-1)
    ones = np.ones_like(like, shape=rows.shape[1:])
    return logs, p, wide, column, total, rows, ones, sums


def _labelled(
    rng: np.random.Generator, shape: tuple[int, ...], lowest: int = 0
) -> tuple[Array, Array]:
    return rng.standard_normal(shape), rng.integers(lowest, shape[-1], shape[:-1])


def _soft(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.standard_normal((n, 3)), rng.dirichlet((1.0, 1.0, 1.0), n)

"""Sigmoid and binary cross-entropy in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import and_, ge, lt

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.binary_targets import counted, settled
from mlpk_plugins.losses.parts.row_mean import row_mean, scaled
from mlpk_plugins.losses.parts.targets import alike, check_range
from mlpk_plugins.losses.parts.weights import mass_of, not_negative


class Saved(NamedTuple):
    """What the way back needs."""

    z: Array
    small: Array  # exp(-|z|)
    t: Array
    share: Array  # (n, 1) or (n, elements); what each element of a row counts in the mean


@define
class BinaryCrossEntropy(Loss):
    """l = -t log(s(z)) - (1 - t) log(1 - s(z)), s the sigmoid; the mean is sum(w * l) / sum(w).

    Predictions z (n, ...) are logits, targets t (n, ...) lie in [0, 1]; (n,) serves for (n, 1).
    The mean is over all elements, each with its row's weight w. `label_smoothing`, 0 <= s < 1,
    makes t (1 - s) * t + s / 2; `class_weight`, of class 0 and of class 1, multiplies w by
    class_weight_0 * (1 - t) + class_weight_1 * t (of t before smoothing); targets equal to
    `ignore_index` count nowhere. All is as in `softmax_cross_entropy` with the logits 0 and z. If
    all weights are 0, so are the loss and its gradient.

    Computed as |z| * |[z >= 0] - t| + log(1 + exp(-|z|)), which never overflows; the gradient is
    (s(z) - t) * w / sum(w). A logit may be infinite: the loss is 0 where t says the same. (1, p)
    for `class_weight` is what PyTorch calls `pos_weight` p, but that its mean is divided by the
    number of elements, not by the sum of their weights.
    """

    kind: ClassVar[str] = "binary_cross_entropy"
    takes: ClassVar[str] = "logits"

    label_smoothing: float = field(default=0.0, validator=and_(ge(0), lt(1)))
    class_weight: tuple[float, float] | None = field(default=None, validator=not_negative)
    ignore_index: int | None = None

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        check_range(alike((None, *prediction), target), 0, 1, self.ignore_index)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, Saved]:
        z, given = prediction, alike(prediction.shape, target)
        t = self._smoothed(ctx, settled(ctx, given, self.ignore_index, 0))
        small = np.abs(z, out=ctx.empty("small", z.shape))
        np.exp(np.negative(small, out=small), out=small)
        losses = np.log1p(small, out=ctx.empty("losses", z.shape))
        losses += _missed(ctx, z, t)
        value, share = row_mean(ctx, losses, weight, self._counted(ctx, given))
        return value, Saved(z, small, t, share)

    def backward(self, ctx: Context, saved: Saved) -> Array:
        z, small, t, share = saved
        dz = np.greater_equal(z, 0, out=ctx.empty("dz", z.shape))
        np.maximum(dz, small, out=dz)
        dz /= np.add(small, 1, out=ctx.empty("part", z.shape))
        dz -= t
        return scaled(ctx, dz, share)

    def mass(
        self, ctx: Context, prediction: tuple[int, ...], target: Array, weight: Array | None
    ) -> float:
        each = self._counted(ctx, alike(prediction, target))
        if each is None:
            return super().mass(ctx, prediction, target, weight)
        return mass_of(ctx, each, weight)

    def _smoothed(self, ctx: Context, t: Array) -> Array:
        if not self.label_smoothing:
            return t
        smooth = np.multiply(t, 1 - self.label_smoothing, out=ctx.empty("smooth", t.shape))
        smooth += self.label_smoothing / 2
        return smooth

    def _counted(self, ctx: Context, target: Array) -> Array | None:
        return counted(ctx, target, (0, 1), self.class_weight, self.ignore_index)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.standard_normal((n, 1)), rng.random(n)))
        yield Example(
            cls(),
            (2, 3),
            draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.integers(0, 2, (n, 2, 3))),
        )
        yield Example(
            cls(label_smoothing=0.1, class_weight=(1.0, 3.0), ignore_index=-1),
            (2, 3),
            draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.integers(-1, 2, (n, 2, 3))),
        )
        yield Example(
            cls(class_weight=(0.5, 2.0)),
            (2,),
            draw=lambda rng, n: (rng.standard_normal((n, 2)), rng.random((n, 2))),
        )


def _missed(ctx: Context, z: Array, t: Array) -> Array:
    """Return scratch |z| * |[z >= 0] - t|: 0 where an infinite logit says what the target says."""
    wrong = np.greater_equal(z, 0, out=ctx.empty("wrong", z.shape))
    wrong -= t
    np.abs(wrong, out=wrong)
    missed = np.multiply(
        np.abs(z, out=ctx.empty("dz", z.shape)), wrong, out=ctx.empty("part", z.shape)
    )
    if np.isnan(np.max(missed, initial=0)):  # 0 * inf; what else is nan stays so
        right, far = (ctx.empty(name, z.shape, np.bool_) for name in ("right", "far"))
        np.logical_and(np.equal(wrong, 0, out=right), np.isinf(z, out=far), out=right)
        np.copyto(missed, 0, where=right)
    return missed

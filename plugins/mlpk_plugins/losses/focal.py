"""The focal loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from attrs import field
from attrs.validators import and_, ge, le, optional

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.binary_targets import check_two, counted, settled
from mlpk_plugins.losses.parts.row_mean import row_mean, scaled
from mlpk_plugins.losses.parts.targets import alike
from mlpk_plugins.losses.parts.weights import mass_of

ADVICE = "for classes give one-hot targets, one logit a class"


class Saved(NamedTuple):
    """What the way back needs."""

    sign: Array  # 2 * t - 1
    miss: Array  # 1 - q
    factor: Array  # a * (1 - q)**gamma
    cost: Array  # -log(q)
    share: Array


@define
class Focal(Loss):
    """l = -a * (1 - q)**gamma * log(q) for each element; the mean is sum(w * l) / sum(w).

    q is the probability that the logit z gives to the true answer: s(z) where t = 1, 1 - s(z)
    where t = 0, s the sigmoid. What is right already counts little, the less the larger gamma;
    gamma = 0 is binary cross-entropy. a is 1, or with `alpha` that number where t = 1 and
    1 - alpha where t = 0. gamma >= 0; 0 <= alpha <= 1 or None. The paper's numbers are 2 and 0.25.

    Predictions z (n, ...) are logits, targets t (n, ...) are 0 or 1; (n,) serves for (n, 1). For
    one of several classes give one-hot targets: each class has a sigmoid of its own, as in the
    paper. The mean is over all elements, each with its row's weight w, and a is no weight in it;
    targets equal to `ignore_index` count nowhere. If all weights are 0, so are the loss and its
    gradient, which is
    (1 - 2 * t) * a * (1 - q)**gamma * (1 - q - gamma * q * log(q)) * w / sum(w).

    T.-Y. Lin et al., Focal loss for dense object detection, ICCV 2017.
    """

    kind: ClassVar[str] = "focal"
    takes: ClassVar[str] = "logits"

    gamma: float = field(default=2.0, validator=ge(0))
    alpha: float | None = field(default=None, validator=optional(and_(ge(0), le(1))))
    ignore_index: int | None = None

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        check_two(alike((None, *prediction), target), 0, 1, ADVICE, ignored=self.ignore_index)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, Saved]:
        z, given = prediction, alike(prediction.shape, target)
        t = settled(ctx, given, self.ignore_index, 0)
        sign, miss, factor, cost = (
            ctx.empty(name, z.shape) for name in ("sign", "miss", "factor", "cost")
        )
        np.multiply(t, 2.0, out=sign)
        sign -= 1
        # Of u = -sign * z: cost = log(1 + exp(u)), miss = 1 - exp(-cost), which never overflow.
        np.multiply(sign, z, out=miss)
        np.negative(miss, out=miss)
        np.logaddexp(miss, 0, out=cost)
        np.expm1(np.negative(cost, out=miss), out=miss)
        np.negative(miss, out=miss)
        np.power(miss, self.gamma, out=factor)
        losses = ctx.empty("losses", z.shape)
        if self.alpha is not None:
            np.multiply(sign, self.alpha - 0.5, out=losses)
            losses += 0.5
            factor *= losses
        np.multiply(factor, cost, out=losses)
        value, share = row_mean(ctx, losses, weight, self._counted(ctx, given))
        return value, Saved(sign, miss, factor, cost, share)

    def backward(self, ctx: Context, saved: Saved) -> Array:
        sign, miss, factor, cost, share = saved
        dz = np.negative(cost, out=ctx.empty("dz", cost.shape))
        np.exp(dz, out=dz)
        dz *= cost
        dz *= self.gamma
        dz += miss
        dz *= factor
        dz *= sign
        return scaled(ctx, np.negative(dz, out=dz), share)

    def mass(
        self, ctx: Context, prediction: tuple[int, ...], target: Array, weight: Array | None
    ) -> float:
        each = self._counted(ctx, alike(prediction, target))
        if each is None:
            return super().mass(ctx, prediction, target, weight)
        return mass_of(ctx, each, weight)

    def _counted(self, ctx: Context, target: Array) -> Array | None:
        return counted(ctx, target, (0, 1), None, self.ignore_index)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: _drawn(rng, (n, 1), (n,)))
        yield Example(
            cls(gamma=0.5, alpha=0.25),
            (2, 3),
            draw=lambda rng, n: _drawn(rng, (n, 2, 3), (n, 2, 3)),
        )
        yield Example(
            cls(ignore_index=-1), (3,), draw=lambda rng, n: _drawn(rng, (n, 3), (n, 3), lowest=-1)
        )


def _drawn(
    rng: np.random.Generator, logits: tuple[int, ...], answers: tuple[int, ...], lowest: int = 0
) -> tuple[Array, Array]:
    return rng.standard_normal(logits), rng.integers(lowest, 2, answers)

"""Sigmoid and binary cross-entropy in one."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import ClassVar, NamedTuple

import numpy as np

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.targets import alike, check_range
from mlpk_plugins.losses.weights import row_weights, shares


class Saved(NamedTuple):
    """What the way back needs."""

    z: Array
    small: Array  # exp(-|z|)
    t: Array
    share: Array  # (n, 1); what each element of a row counts in the mean


@define
class BinaryCrossEntropy(Loss):
    """l = -t log(s(z)) - (1 - t) log(1 - s(z)), s the sigmoid; the mean is sum(w * l) / sum(w).

    Predictions z (n, ...) are logits, targets t (n, ...) lie in [0, 1]; (n,) serves for (n, 1).
    The mean is over all elements, each with its row's weight w; if all weights are 0, so are the
    loss and its gradient. Computed as max(z, 0) - z * t + log(1 + exp(-|z|)), which never
    overflows; the gradient is (s(z) - t) * w / sum(w).
    """

    kind: ClassVar[str] = "binary_cross_entropy"
    takes: ClassVar[str] = "logits"

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        check_range(alike((None, *prediction), target), 0, 1)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, Saved]:
        z, t = prediction, alike(prediction.shape, target)
        check_range(t, 0, 1)
        n, elements = len(z), prod(z.shape[1:])
        small = np.abs(z, out=ctx.empty("small", z.shape))
        np.exp(np.negative(small, out=small), out=small)
        losses = np.log1p(small, out=ctx.empty("losses", z.shape))
        part = np.maximum(z, 0, out=ctx.empty("part", z.shape))
        losses += part
        losses -= np.multiply(z, t, out=part)
        share = shares(ctx, row_weights(ctx, weight, n))
        share /= elements
        rows = np.add.reduce(
            losses.reshape(n, elements), axis=1, keepdims=True, out=ctx.empty("rows", (n, 1))
        )
        rows *= share
        return float(np.sum(rows, dtype=np.float64)), Saved(z, small, t, share)

    def backward(self, ctx: Context, saved: Saved) -> Array:
        z, small, t, share = saved
        dz = np.greater_equal(z, 0, out=ctx.empty("dz", z.shape))
        np.maximum(dz, small, out=dz)
        dz /= np.add(small, 1, out=ctx.empty("part", z.shape))
        dz -= t
        rows = dz.reshape(len(z), prod(z.shape[1:]))
        rows *= share
        return dz

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.standard_normal((n, 1)), rng.random(n)))
        yield Example(
            cls(),
            (2, 3),
            draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.integers(0, 2, (n, 2, 3))),
        )

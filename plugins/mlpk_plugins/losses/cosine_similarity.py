"""One less the cosine between prediction and target."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import ClassVar, NamedTuple

import numpy as np

from mlpk import Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.row_mean import row_mean, scaled
from mlpk_plugins.losses.parts.targets import alike


class Saved(NamedTuple):
    """What the way back needs."""

    u: Array  # y / |y|
    v: Array  # t / |t|
    cosine: Array  # (n, ..., 1)
    length: Array  # (n, ..., 1); |y|, infinite where y is 0
    share: Array


@define
class CosineSimilarity(Loss):
    """l = 1 - y.t / (|y| |t|), of vectors along the last axis; the mean is sum(w * l) / sum(w).

    Predictions y (n, ..., d), targets t (n, ..., d). It is 0 where y points along t, 1 at right
    angles, 2 against t; lengths do not matter. A vector of zeros has the cosine 0 with any other,
    and no gradient. Each position of a row counts with the row's weight w; if all weights are 0,
    so are the loss and its gradient, which is (u * (u.v) - v) / |y| * w / sum(w), with u and v of
    length 1 along y and t. (Keras leaves the 1 out, and reports -1 for the best.)
    """

    kind: ClassVar[str] = "cosine_similarity"

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        alike((None, *prediction), target)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, Saved]:
        u, length = _direction(ctx, "prediction", prediction)
        v, _ = _direction(ctx, "target", alike(prediction.shape, target))
        products = np.multiply(u, v, out=ctx.empty("dy", u.shape))
        cosine = np.add.reduce(products, axis=-1, keepdims=True, out=_column(ctx, "cosine", u))
        losses = np.subtract(1, cosine, out=_column(ctx, "losses", u))
        value, share = row_mean(ctx, losses, weight)
        return value, Saved(u, v, cosine, length, share)

    def backward(self, ctx: Context, saved: Saved) -> Array:
        dy = np.multiply(saved.u, saved.cosine, out=ctx.empty("dy", saved.u.shape))
        dy -= saved.v
        dy /= saved.length
        return scaled(ctx, dy, saved.share)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        for shape in ((3,), (2, 3)):
            yield Example(cls(), shape, shape)


def _direction(ctx: Context, name: str, vectors: Array) -> tuple[Array, Array]:
    """Return scratch: vectors of length 1, and the lengths (n, ..., 1), infinite for vectors of 0."""
    u = np.abs(vectors, out=ctx.empty(f"{name}/u", vectors.shape))
    # Divided by their largest element first, their squares neither overflow nor vanish.
    length = np.maximum.reduce(u, axis=-1, keepdims=True, out=_column(ctx, f"{name}/length", u))
    zero = np.equal(length, 0, out=ctx.empty(f"{name}/zero", length.shape, np.bool_))
    np.copyto(length, inf, where=zero)
    np.divide(vectors, length, out=u)
    norm = np.einsum("...d,...d->...", u, u, out=_column(ctx, f"{name}/norm", u)[..., 0])
    np.sqrt(norm, out=norm)
    np.copyto(norm, 1, where=zero[..., 0])
    u /= norm[..., None]
    length *= norm[..., None]
    return u, length


def _column(ctx: Context, name: str, like: Array) -> Array:
    return ctx.empty(name, (*like.shape[:-1], 1))

"""Softmax and cross-entropy in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from attrs import Attribute, field
from attrs.validators import and_, ge, lt
from numpy.typing import DTypeLike

from mlpk import ConfigError, Context, Example, Loss, define
from mlpk.arrays import Array
from mlpk_plugins.losses.targets import check_class_targets, check_classes, class_targets, cross
from mlpk_plugins.losses.weights import row_weights, shares


def _not_negative(_: object, attribute: Attribute[Any], given: tuple[float, ...] | None) -> None:
    """Refuse negative weights of classes."""
    if given is not None and min(given, default=0) < 0:
        raise ValueError(f"'{attribute.name}' must hold numbers from 0, found {given}")


@define
class SoftmaxCrossEntropy(Loss):
    """l = -sum_c t_c log softmax(z)_c for each row; the mean is sum(w * l) / sum(w).

    Predictions z (n, ..., classes) are logits; targets are integer labels (n, ...), or one-hot
    or soft t (n, ..., classes), told apart by shape and dtype, each t >= 0 and their sum over the
    classes 1, give or take 0.001. Each position of a row counts with the row's weight w.
    `label_smoothing`, 0 <= s < 1, makes t (1 - s) * t + s / classes;
    `class_weight` multiplies w by sum_c class_weight_c * t_c (of t before smoothing), that is the
    weight of the row's class; labels equal to `ignore_index` count nowhere. If all weights are 0,
    so are the loss and its gradient.

    log softmax(z) = z - max(z) - log(sum_k exp(z_k - max(z))) never overflows; the gradient is
    (softmax(z) * sum(t) - t) * w / sum(w).
    """

    kind: ClassVar[str] = "softmax_cross_entropy"
    takes: ClassVar[str] = "logits"

    label_smoothing: float = field(default=0.0, validator=and_(ge(0), lt(1)))
    class_weight: tuple[float, ...] | None = field(default=None, validator=_not_negative)
    ignore_index: int | None = None

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        check_classes(self.kind, (None, *prediction))
        check_class_targets((None, *prediction), target, self.ignore_index)
        self._weight_of_class(prediction[-1], np.float64)

    def forward(
        self, ctx: Context, prediction: Array, target: Array, weight: Array | None = None
    ) -> tuple[float, tuple[Array, Array]]:
        check_classes(self.kind, prediction.shape)
        t = self._shared_out(ctx, prediction.shape, target, weight)
        peak = ctx.empty("peak", (*prediction.shape[:-1], 1))
        np.maximum.reduce(prediction, axis=-1, keepdims=True, out=peak)
        logs = np.subtract(prediction, peak, out=ctx.empty("logs", prediction.shape))
        p = np.exp(logs, out=ctx.empty("p", prediction.shape))
        total = np.add.reduce(p, axis=-1, keepdims=True, out=peak)
        p /= total
        logs -= np.log(total, out=total)
        return cross(ctx, t, logs), (p, t)

    def backward(self, ctx: Context, saved: tuple[Array, Array]) -> Array:
        p, t = saved
        mass = np.add.reduce(t, axis=-1, keepdims=True, out=ctx.empty("mass", (*t.shape[:-1], 1)))
        dz = np.multiply(p, mass, out=ctx.empty("dz", p.shape))
        dz -= t
        return dz

    def mass(
        self, ctx: Context, prediction: tuple[int, ...], target: Array, weight: Array | None
    ) -> float:
        if self.class_weight is None and self.ignore_index is None:
            return super().mass(ctx, prediction, target, weight)
        of_class = self._weight_of_class(prediction[-1], ctx.dtype).astype(np.float64)
        each = ctx.empty("each", prediction[:-1], np.float64)
        if target.shape == prediction:
            np.matmul(target, of_class, out=each)
        else:
            np.take(of_class, target, mode="clip", out=each)
            if self.ignore_index is not None:
                counts = ctx.empty("counts", target.shape, np.bool_)
                each *= np.not_equal(target, self.ignore_index, out=counts)
        rows = np.mean(
            each.reshape(len(each), -1), axis=1, out=ctx.empty("rows", (len(each),), np.float64)
        )
        return float(rows.sum() if weight is None else np.dot(rows, weight))

    def _shared_out(
        self, ctx: Context, shape: tuple[int, ...], target: Array, weight: Array | None
    ) -> Array:
        """Return t * w / sum(w), so that the loss is -sum(t * log softmax(z)) over everything."""
        t = class_targets(ctx, shape, target, self.ignore_index)
        weights = row_weights(ctx, weight, shape[0], shape[1:-1])
        if self.class_weight is not None or self.ignore_index is not None:
            # A row that is ignored is all zeros, and so loses its weight here.
            of_class = self._weight_of_class(shape[-1], ctx.dtype)
            weights *= np.matmul(t, of_class, out=ctx.empty("of_row", shape[:-1]))
        if self.label_smoothing:
            t *= 1 - self.label_smoothing
            t += self.label_smoothing / shape[-1]
        t *= shares(ctx, weights)
        return t

    def _weight_of_class(self, classes: int, dtype: DTypeLike) -> Array:
        if self.class_weight is None:
            return np.ones(classes, dtype)
        where, found = f"{self.kind}.class_weight", len(self.class_weight)
        if found != classes:
            raise ConfigError(where, f"wanted {classes} numbers, one a class, found {found}")
        most = float(np.finfo(dtype).max)
        if max(self.class_weight) > most:
            raise ConfigError(
                where,
                f"wanted numbers up to {most:.2g}, the most that {np.dtype(dtype)} holds, "
                f"found {max(self.class_weight)}",
            )
        return np.array(self.class_weight, dtype)

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


def _labelled(
    rng: np.random.Generator, shape: tuple[int, ...], lowest: int = 0
) -> tuple[Array, Array]:
    return rng.standard_normal(shape), rng.integers(lowest, shape[-1], shape[:-1])


def _soft(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.standard_normal((n, 3)), rng.dirichlet((1.0, 1.0, 1.0), n)

"""What each class of each row counts, by the fields of a loss that goes by several classes."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import DTypeLike

from mlpk import ConfigError, Context
from mlpk.arrays import Array
from mlpk_plugins.losses.parts.targets import (
    check_class_targets,
    check_classes,
    class_targets,
    row_shares,
)
from mlpk_plugins.losses.parts.weights import mass_of, row_weights, shares


class Classed(Protocol):
    """A loss of several classes: its kind, and the fields that say what counts."""

    kind: ClassVar[str]

    @property
    def label_smoothing(self) -> float:
        """How much of each row's target is spread evenly over the classes."""

    @property
    def class_weight(self) -> tuple[float, ...] | None:
        """What a row of each class weighs; None: 1."""

    @property
    def ignore_index(self) -> int | None:
        """The label of the positions that don't count."""


def check(loss: Classed, prediction: tuple[int, ...], target: Array) -> None:
    """Refuse what is not of several classes; `prediction` comes without the batch axis."""
    check_classes(loss.kind, (None, *prediction))
    check_class_targets((None, *prediction), target, loss.ignore_index)
    _weight_of_class(loss, prediction[-1])


def shared_out(
    ctx: Context, loss: Classed, shape: tuple[int, ...], target: Array, weight: Array | None
) -> tuple[Array, Array | float]:
    """Return scratch t * w / sum(w) of `shape` (n, ..., classes), smoothed, and its sums.

    The loss is then -sum(t * log p) over everything. The sums, over the classes, are (n, ..., 1),
    or one number where all are the same.
    """
    check_classes(loss.kind, shape)
    alike = weight is None and loss.class_weight is None and loss.ignore_index is None
    whole = 1 / max(prod(shape[:-1]), 1) if alike else 1.0
    t = class_targets(ctx, shape, target, loss.ignore_index, whole)
    share = whole if alike else _share(ctx, loss, t, weight)
    if loss.label_smoothing:
        t *= 1 - loss.label_smoothing
        t += whole * loss.label_smoothing / shape[-1]
    if not alike:
        t *= share
    return t, share if target.ndim < t.ndim else row_shares(ctx, t)


def mass(
    ctx: Context, loss: Classed, prediction: tuple[int, ...], target: Array, weight: Array | None
) -> float:
    """Return the sum of the weights of rows, those of the classes and what is ignored counted in."""
    of_class = _weight_of_class(loss, prediction[-1], ctx.dtype).astype(np.float64)
    each = ctx.empty("each", prediction[:-1], np.float64)
    if target.shape == prediction:
        np.matmul(target, of_class, out=each)
    else:
        np.take(of_class, target, mode="clip", out=each)
        if loss.ignore_index is not None:
            counts = ctx.empty("counts", target.shape, np.bool_)
            each *= np.not_equal(target, loss.ignore_index, out=counts)
    return mass_of(ctx, each, weight)


def _share(ctx: Context, loss: Classed, t: Array, weight: Array | None) -> Array:
    """Return what each position of t (n, ..., classes) counts."""
    weights = row_weights(ctx, weight, len(t), t.shape[1:-1])
    if loss.class_weight is not None or loss.ignore_index is not None:
        # A row that is ignored is all zeros, and so loses its weight here.
        of_class = _weight_of_class(loss, t.shape[-1], ctx.dtype)
        weights *= np.matmul(t, of_class, out=ctx.empty("of_row", t.shape[:-1]))
    return shares(ctx, weights)


def _weight_of_class(loss: Classed, classes: int, dtype: DTypeLike = np.float64) -> Array:
    if loss.class_weight is None:
        return np.ones(classes, dtype)
    where, found = f"{loss.kind}.class_weight", len(loss.class_weight)
    if found != classes:
        raise ConfigError(where, f"wanted {classes} numbers, one a class, found {found}")
    most = float(np.finfo(dtype).max)
    if max(loss.class_weight) > most:
        raise ConfigError(
            where,
            f"wanted numbers up to {most:.2g}, the most that {np.dtype(dtype)} holds, "
            f"found {max(loss.class_weight)}",
        )
    return np.array(loss.class_weight, dtype)

"""What targets may look like, and the check of them. Shapes have the batch axis, or None for it."""

from __future__ import annotations

from math import inf, isnan

import numpy as np

from mlpk import ConfigError, Context, DataError, ShapeError
from mlpk.arrays import Array
from mlpk.declaration import Shape, known
from mlpk_plugins.losses.parts.class_axis import class_sums
from mlpk_plugins.losses.parts.weights import drop_uncounted

PIECE = 4096  # elements whose products are added up in float32
SLACK = 1e-3  # shares that were rounded, be it to float16, sum to 1 within this


def alike(prediction: Shape, target: Array) -> Array:
    """Return targets in the shape of the predictions; (n,) serves for (n, 1), nothing else does."""
    if len(prediction) == 2 and prediction[1] == 1 and _fits(prediction[:1], target.shape):  # noqa: PLR2004 - a column
        return target[:, None]
    if not _fits(prediction, target.shape):
        problem = (
            f"wanted targets of the predictions' shape {_named(prediction)}, "
            f"found {_named(target.shape)}"
        )
        if target.dtype.kind in "iu" and _fits(prediction[:-1], target.shape):
            problem += f"; labels become one-hot rows with np.eye({prediction[-1]})[y]"
        raise ShapeError(problem)
    return target


def check_classes(kind: str, prediction: Shape) -> None:
    """Refuse predictions that are not of several classes; `kind` is the loss's, whose choice it is."""
    if len(prediction) < 2:  # noqa: PLR2004 - the batch and the classes
        raise ConfigError(
            kind,
            "wanted predictions with an axis of classes behind the batch, found "
            f"{_named(prediction)}",
        )
    if prediction[-1] == 1:
        raise ConfigError(
            kind,
            "wanted two classes or more, found 1, whose probability is always 1; end the network "
            "in a unit a class, or take binary_cross_entropy for a single one",
        )


def class_targets(
    ctx: Context,
    prediction: tuple[int, ...],
    target: Array,
    ignored: int | None = None,
    whole: float = 1.0,
) -> Array:
    """Return scratch (n, ..., classes): each class's share of each row, or position, times `whole`.

    Labels become one-hot, and zeros where they are `ignored`. That they are in range, and shares a
    distribution, `check_class_targets` saw to.
    """
    shares = ctx.empty("targets", prediction)
    if not _are_labels(prediction, target, ignored):
        shares[...] = target
        shares *= whole
        return shares
    shares.fill(0)
    flat, starts, places = ctx.views("places", (shares,), _places)
    places[...] = target
    if ignored is not None:
        skipped = np.equal(target, ignored, out=ctx.empty("skipped", target.shape, np.bool_))
        np.copyto(places, 0, where=skipped)
    places += starts
    flat[places] = whole
    if ignored is not None:
        np.copyto(shares, 0, where=skipped[..., None])
    return shares


def check_class_targets(prediction: Shape, target: Array, ignored: int | None = None) -> None:
    """Refuse labels out of range, shares that are no distribution, and what is neither."""
    if _are_labels(prediction, target, ignored):
        _refuse_outside(target, known(prediction[-1]), ignored)
    else:
        _check_shares(target)


def cross(ctx: Context, t: Array, logs: Array, *others: Array) -> float:
    """Return -sum(t * logs), the rows added up in float64.

    A class without a share adds nothing, be its log -inf, nor does a row without any; for these,
    zeros are written to logs, and for such a row to `others` too.
    """
    total = _summed(ctx, t, logs)
    if isnan(total):
        least, free = (ctx.empty(name, t.shape, np.bool_) for name in ("least", "free"))
        np.logical_and(np.equal(logs, -inf, out=least), np.equal(t, 0, out=free), out=free)
        np.copyto(logs, 0, where=free)
        for each in (logs, *others):
            drop_uncounted(ctx, each, row_shares(ctx, t))
        total = _summed(ctx, t, logs)
    return 0.0 - total  # a minus alone makes -0.0 of nothing


def cross_gradient(ctx: Context, t: Array, p: Array) -> Array:
    """Return scratch -t / p, the gradient of -sum(t * log(p)) by p; 0 in rows that don't count."""
    dp = np.divide(t, p, out=ctx.empty("dp", p.shape))
    drop_uncounted(ctx, dp, row_shares(ctx, t))
    return np.negative(dp, out=dp)


def row_shares(ctx: Context, t: Array) -> Array:
    """Return scratch (n, ..., 1): the sums of t (n, ..., classes) over the classes."""
    return class_sums(ctx, t, ctx.empty("row_shares", (*t.shape[:-1], 1)))


def check_range(target: Array, low: float, high: float, ignored: int | None = None) -> None:
    """Refuse numbers below `low` or above `high` that are not `ignored`, naming the first row."""
    counts = True if ignored is None else np.not_equal(target, ignored)
    # `fmin` and `fmax` pass over NaN, behind which `min` would hide what is out of range.
    least = np.fmin.reduce(target, axis=None, initial=low, where=counts)
    if least < low or np.fmax.reduce(target, axis=None, initial=low, where=counts) > high:
        at = tuple(np.argwhere(counts & ((target < low) | (target > high)))[0])
        wanted = f"{low} to {high}" if high < inf else f"{low} or more"
        wanted += "" if ignored is None else f", or {ignored}"
        raise DataError(f"target {target[at]} in row {at[0]}: wanted {wanted}", int(at[0]))


def _places(shares: Array) -> tuple[Array, Array, Array]:
    """Return shares (n, ..., classes) as a vector, where each row begins there, and room for places."""
    starts = np.arange(0, shares.size, shares.shape[-1]).reshape(shares.shape[:-1])
    return shares.reshape(-1), starts, np.empty_like(starts)


def _flat(*arrays: Array) -> tuple[Array, ...]:
    return tuple(array.reshape(-1) for array in arrays)


def _summed(ctx: Context, t: Array, logs: Array) -> float:
    """Return sum(t * logs), pieces of it added up in float64. Both lie in C order."""
    one, other = ctx.views("flat", (t, logs), _flat)
    if one.size <= PIECE:
        return float(one.dot(other))
    pieces = (slice(at, at + PIECE) for at in range(0, one.size, PIECE))
    return sum(float(one[piece].dot(other[piece])) for piece in pieces)


def _check_shares(shares: Array) -> None:
    """Refuse negative shares, and those of a position that don't sum to 1.

    NaN is passed over: a loss that is not finite tells of it.
    """
    check_range(shares, 0, inf)
    sums = np.add.reduce(shares, axis=-1, dtype=np.float64)
    most, least = (each.reduce(sums, axis=None, initial=1) for each in (np.fmax, np.fmin))
    if most > 1 + SLACK or least < 1 - SLACK:
        at = tuple(np.argwhere((sums < 1 - SLACK) | (sums > 1 + SLACK))[0])
        raise DataError(
            f"the shares in row {at[0]} sum to {sums[at]:.6g}: wanted 1, a distribution over the "
            "classes; divide them by their sum, or, where several classes hold at once, take "
            "binary_cross_entropy",
            int(at[0]),
        )


def _are_labels(prediction: Shape, target: Array, ignored: int | None) -> bool:
    """Tell labels (n, ...) from shares (n, ..., classes), one-hot or soft, by shape and dtype."""
    shaped_like_labels = _fits(prediction[:-1], target.shape)
    if shaped_like_labels and target.dtype.kind in "iu":
        return True
    if _fits(prediction, target.shape) and target.dtype.kind in "biuf":
        if ignored is not None:
            raise DataError(
                "ignore_index is for integer labels, found one-hot or soft targets; give the rows "
                "to be ignored the weight 0"
            )
        return False
    problem = (
        f"wanted integer labels {_named(prediction[:-1])}, or one-hot or soft targets "
        f"{_named(prediction)}; found {target.dtype} {_named(target.shape)}"
    )
    if shaped_like_labels:
        if target.dtype.kind == "f" and np.isnan(target).any():
            row = int(np.argwhere(np.isnan(target))[0][0])
            problem += (
                f"; NaN in row {row} is no label: leave such rows out, or give them a number "
            )
            raise DataError(f"{problem}of their own, and the loss that as ignore_index", row)
        raise DataError(f"{problem}; whole numbers become labels with y.astype(int)")
    if target.dtype.kind in "iu" and _fits((*prediction[:-1], 1), target.shape):
        problem += "; drop the last axis, y[..., 0]"
    elif target.ndim == 1 and len(prediction) > 2:  # noqa: PLR2004 - the batch and the classes
        problem += "; for one label a row, flatten or pool before the layer that gives the classes"
    raise ShapeError(problem)


def _refuse_outside(labels: Array, classes: int, ignored: int | None) -> None:
    """Refuse labels that are neither 0 to classes - 1 nor `ignored`."""
    counts = True if ignored is None else np.not_equal(labels, ignored)
    low, high = labels.min(initial=0, where=counts), labels.max(initial=0, where=counts)
    if low < 0 or high >= classes:
        at = tuple(np.argwhere(counts & ((labels < 0) | (labels >= classes)))[0])
        problem = f"label {labels[at]} in row {at[0]}: wanted 0 to {classes - 1}"
        if ignored is not None:
            problem += f", or {ignored}"
        elif labels[at] in (np.iinfo(np.int32).min, np.iinfo(np.int64).min):
            problem += "; it is what astype makes of NaN: look for NaN before that"
        elif labels[at] < 0:
            problem += f"; where it means no class, take a loss with ignore_index={labels[at]}"
        raise DataError(problem, int(at[0]))


def _fits(wanted: Shape, found: tuple[int, ...]) -> bool:
    """Tell whether a shape is the wanted one, whose unknown lengths fit anything."""
    return wanted == found or (
        len(wanted) == len(found)
        and all(length in (None, other) for length, other in zip(wanted, found, strict=True))
    )


def _named(shape: Shape) -> str:
    """Return a shape for a message, its batch axis as it is known or as N."""
    return str(shape).replace("None", "N", 1) if shape[:1] == (None,) else str(shape)

"""What targets may look like, and the check of them. Shapes have the batch axis, or None for it."""

from __future__ import annotations

from math import prod

import numpy as np

from mlpk import Context, DataError, ShapeError
from mlpk.arrays import Array
from mlpk.declaration import Shape


def alike(prediction: Shape, target: Array) -> Array:
    """Return targets in the shape of the predictions; (n,) serves for (n, 1), nothing else does."""
    if len(prediction) == 2 and prediction[1] == 1 and _fits(prediction[:1], target.shape):  # noqa: PLR2004 - a column
        return target[:, None]
    if not _fits(prediction, target.shape):
        raise ShapeError(
            f"wanted targets of the predictions' shape {_named(prediction)}, "
            f"found {_named(target.shape)}"
        )
    return target


def class_targets(
    ctx: Context, prediction: tuple[int, ...], target: Array, ignored: int | None = None
) -> Array:
    """Return scratch (rows, classes): each class's share of each row, or position of a row.

    Labels become one-hot rows, and rows of zeros where they are `ignored`.
    """
    classes = prediction[-1]
    shares = ctx.empty("targets", (prod(prediction[:-1]), classes))
    if not _are_labels(prediction, target, ignored):
        np.copyto(shares.reshape(prediction), target, casting="same_kind")
        return shares
    _refuse_outside(target, classes, ignored, ctx.empty("kept", target.shape, np.bool_))
    np.equal(target[..., None], np.arange(classes), out=shares.reshape(prediction))
    if ignored is not None and 0 <= ignored < classes:
        shares[:, ignored] = 0
    return shares


def check_class_targets(prediction: Shape, target: Array, ignored: int | None = None) -> None:
    """Refuse labels out of range, negative shares, and what is neither labels nor shares."""
    if _are_labels(prediction, target, ignored):
        _refuse_outside(target, prediction[-1], ignored)
    else:
        check_range(target, 0, None)


def check_range(target: Array, low: float, high: float | None) -> None:
    """Refuse numbers below `low` or above `high` (None: any), naming the first row."""
    bad = target < low if high is None else (target < low) | (target > high)
    if bad.any():
        at = tuple(np.argwhere(bad)[0])
        wanted = f"{low} or more" if high is None else f"{low} to {high}"
        raise DataError(f"target {target[at]} in row {at[0]}: wanted {wanted}", int(at[0]))


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
    raise DataError(problem) if shaped_like_labels else ShapeError(problem)


def _refuse_outside(
    labels: Array, classes: int | None, ignored: int | None, mask: Array | None = None
) -> None:
    """Refuse labels outside of 0 to classes - 1, but for `ignored`; `mask` is scratch memory."""
    ...


def _fits(wanted: Shape, found: tuple[int, ...]) -> bool:
    """Tell whether a shape is the wanted one, whose unknown lengths fit anything."""
    return len(wanted) == len(found) and all(
        length in (None, other) for length, other in zip(wanted, found, strict=True)
    )


def _named(shape: Shape) -> str:
    """Return a shape for a message, its batch axis as it is known or as N."""
    return str(shape).replace("None", "N", 1) if shape[:1] == (None,) else str(shape)

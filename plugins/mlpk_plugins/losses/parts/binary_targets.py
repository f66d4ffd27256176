"""Targets that say which of two it is: their check, and what each element counts."""

from __future__ import annotations

import numpy as np

from mlpk import Context, DataError
from mlpk.arrays import Array


def check_two(target: Array, low: int, high: int, advice: str, ignored: int | None = None) -> None:
    """Refuse whatever is neither `low` nor `high`, nor `ignored`, naming the first row."""
    fits = np.equal(target, low)
    for also in (high,) if ignored is None else (high, ignored):
        fits = np.logical_or(fits, np.equal(target, also))
    if not np.all(fits):
        at = tuple(np.argwhere(np.logical_not(fits))[0])
        wanted = f"{low} or {high}" if ignored is None else f"{low} or {high}, or {ignored}"
        raise DataError(
            f"target {target[at]} in row {at[0]}: wanted {wanted}; {advice}", int(at[0])
        )


def settled(ctx: Context, target: Array, ignored: int | None, instead: int) -> Array:
    """Return the targets, or a copy of them in scratch that has `instead` where they are ignored."""
    if ignored is None:
        return target
    own = ctx.empty("settled", target.shape)
    np.copyto(own, target, casting="same_kind")
    np.copyto(own, instead, where=_ignored(ctx, target, ignored))
    return own


def counted(
    ctx: Context,
    target: Array,
    answers: tuple[int, int],
    class_weight: tuple[float, float] | None,
    ignored: int | None,
) -> Array | None:
    """Return what each element counts beside its row's weight: scratch, float64; None: 1 each.

    That is the weight of its answer, the lower or the higher, for targets in between the mixture
    of both, and 0 where the target is ignored.
    """
    if class_weight is None and ignored is None:
        return None
    each = ctx.empty("each", target.shape, np.float64)
    if class_weight is None:
        each.fill(1)
    else:
        low, high = answers
        of_low = ctx.empty("of_low", target.shape, np.float64)
        np.copyto(each, target)
        each -= low
        each /= high - low
        np.subtract(1, each, out=of_low)
        of_low *= class_weight[0]
        each *= class_weight[1]
        each += of_low
    if ignored is not None:
        np.copyto(each, 0, where=_ignored(ctx, target, ignored))
    return each


def _ignored(ctx: Context, target: Array, ignored: int) -> Array:
    return np.equal(target, ignored, out=ctx.empty("ignored", target.shape, np.bool_))

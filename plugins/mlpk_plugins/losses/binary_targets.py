"""Targets that take one of two values."""

from __future__ import annotations

import numpy as np

from mlpk import Context, DataError
from mlpk.arrays import Array


def check_two(target: Array, low: int, high: int, advice: str, ctx: Context | None = None) -> None:
    """Refuse whatever is neither `low` nor `high`, naming the first row; `ctx` lends scratch memory."""
    fits, other = (
        None if ctx is None else ctx.empty(name, target.shape, np.bool_)
        for name in ("fits", "other")
    )
    fits = np.equal(target, low, out=fits)
    fits = np.logical_or(fits, np.equal(target, high, out=other), out=fits)
    if not np.all(fits):
        at = tuple(np.argwhere(np.logical_not(fits))[0])
        problem = f"target {target[at]} in row {at[0]}: wanted {low} or {high}; {advice}"
        raise DataError(problem, int(at[0]))

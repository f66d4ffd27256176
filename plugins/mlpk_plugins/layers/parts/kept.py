"""Which values a dropout keeps, and how it makes up for the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpk import Context
from mlpk.arrays import Array

# The highest rate: above it, no random number of float32 would keep a value.
_MOST = 1 - 2**-24


def some_kept(_: object, __: Any, rate: float) -> None:
    """Refuse a field that is no share of values to leave out."""
    if not 0 <= rate <= _MOST:
        problem = "wanted the share of values to leave out, from 0 to less than 1"
        raise ValueError(f"{problem}, found {rate}")


def kept(ctx: Context, rate: float, shape: tuple[int, ...]) -> Array:
    """Return 0 with probability `rate`, else 1 / (1 - rate), drawn for each element of a shape."""
    scale = ctx.empty("scale", shape)
    ctx.rng.random(out=scale, dtype=ctx.dtype)  # type: ignore[arg-type] # float32 or float64
    np.greater_equal(scale, rate, out=scale)
    scale *= 1 / (1 - rate)
    return scale

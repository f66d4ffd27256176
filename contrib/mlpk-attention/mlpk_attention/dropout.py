"""Dropout inside of a layer: in training, some values are left out at random."""

from __future__ import annotations

import numpy as np
from mlpk import Context
from mlpk.arrays import Array


def drawn_factors(ctx: Context, name: str, shape: tuple[int, ...], rate: float) -> Array | None:
    """Return factors for values of a shape: 0 with probability `rate`, else 1 / (1 - rate).

    None where nothing is dropped, in evaluation and at rate 0: no random number is drawn then.
    """
    if not ctx.training or rate == 0:
        return None
    factors = ctx.empty(name, shape)
    ctx.rng.random(out=factors, dtype=ctx.dtype)  # type: ignore[arg-type] # float32 or float64
    np.greater_equal(factors, rate, out=factors)
    factors *= 1 / (1 - rate)
    return factors


def times(ctx: Context, name: str, x: Array, factors: Array | None) -> Array:
    """Return x times its factors in the scratch memory `name`; x itself if there are none."""
    return x if factors is None else np.multiply(x, factors, out=ctx.empty(name, x.shape))

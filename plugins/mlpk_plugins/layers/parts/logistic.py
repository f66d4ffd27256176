"""The logistic function 1 / (1 + exp(-x)), and its integral log(1 + exp(x))."""

from __future__ import annotations

import numpy as np

from mlpk import Context
from mlpk.arrays import Array


def logistic(ctx: Context, name: str, x: Array) -> Array:
    """Return 1 / (1 + exp(-x)) in the scratch memory `name`.

    Computed as max(exp(-|x|), [x >= 0]) / (1 + exp(-|x|)), which never overflows and keeps its
    relative precision where it is close to 0.
    """
    small = np.abs(x, out=ctx.empty(f"{name}/small", x.shape))
    np.exp(np.negative(small, out=small), out=small)
    y = np.greater_equal(x, 0, out=ctx.empty(name, x.shape))
    np.maximum(y, small, out=y)
    small += 1
    y /= small
    return y


def integral(ctx: Context, name: str, x: Array) -> Array:
    """Return log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)) in the scratch memory `name`."""
    y = np.abs(x, out=ctx.empty(name, x.shape))
    np.exp(np.negative(y, out=y), out=y)
    np.log1p(y, out=y)
    y += np.maximum(x, 0, out=ctx.empty(f"{name}/above", x.shape))
    return y


def of_integral(y: Array, out: Array) -> Array:
    """Write 1 - exp(-y) to `out`: the logistic function of x where y = log(1 + exp(x))."""
    np.expm1(np.negative(y, out=out), out=out)
    return np.negative(out, out=out)

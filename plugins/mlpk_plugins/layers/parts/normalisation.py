"""y = gamma * xhat + beta, xhat = (x - mean) / sqrt(var + eps), and the way back.

x is (..., features), gamma and beta are (features,). Mean and (biased) variance are those of parts
of x; `means(ctx, x, out)` tells which: it writes the mean of each part to `out`, an array that is
broadcast to x, and returns it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from mlpk import Context
from mlpk.arrays import Array
from mlpk_plugins.layers.parts.sums import column_sums

Means: TypeAlias = Callable[[Context, Array, Array], Array]


class Normalised(NamedTuple):
    """What the way back needs."""

    xhat: Array  # like x
    inverse: Array  # 1 / sqrt(var + eps) of each part


def normalise(
    ctx: Context, x: Array, gamma: Array, beta: Array, eps: float, means: Means, inverse: Array
) -> tuple[Array, Normalised]:
    """Return y, and what the way back needs; `inverse` is memory for one number a part."""
    xhat, y = ctx.empty("xhat", x.shape), ctx.empty("y", x.shape)
    np.subtract(x, means(ctx, x, inverse), out=xhat)
    # A mean is off by its rounding, which counts where the deviation is small beside it.
    xhat -= means(ctx, xhat, inverse)
    means(ctx, np.multiply(xhat, xhat, out=y), inverse)
    inverse += eps
    np.divide(1, np.sqrt(inverse, out=inverse), out=inverse)
    xhat *= inverse
    np.multiply(xhat, gamma, out=y)
    y += beta
    return y, Normalised(xhat, inverse)


def affine_back(ctx: Context, saved: Normalised, dy: Array, dgamma: Array, dbeta: Array) -> None:
    """Write dgamma = sum(dy * xhat) and dbeta = sum(dy)."""
    product = np.multiply(dy, saved.xhat, out=ctx.empty("dx", dy.shape))
    column_sums(ctx, product.reshape(-1, len(dgamma)), dgamma)
    column_sums(ctx, dy.reshape(-1, len(dbeta)), dbeta)


def normalise_back(ctx: Context, saved: Normalised, dy: Array, gamma: Array, means: Means) -> Array:
    """Return dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(var + eps), g = gamma * dy."""
    xhat, inverse = saved
    mean = ctx.empty("mean", inverse.shape)
    g = np.multiply(dy, gamma, out=ctx.empty("g", dy.shape))
    dx = np.multiply(g, xhat, out=ctx.empty("dx", dy.shape))
    np.multiply(xhat, means(ctx, dx, mean), out=dx)
    g -= means(ctx, g, mean)
    np.subtract(g, dx, out=dx)
    dx *= inverse
    return dx

"""Reductions over the classes, the last axis: NumPy's own pay for every row, these for the whole."""

from __future__ import annotations

import numpy as np

from mlpk import Context
from mlpk.arrays import Array

FEW = 64  # classes; of more than these a row is long enough for NumPy's own reduction


def class_peaks(ctx: Context, z: Array, out: Array) -> Array:
    """Write the largest of each row of z (n, ..., classes) to out (n, ..., 1), and return it.

    Few classes are turned to the front first, so that whole rows are compared at once.
    """
    if z.shape[-1] > FEW:
        return np.maximum.reduce(z, axis=-1, keepdims=True, out=out)
    turned = ctx.empty("turned", z.shape[::-1])
    turned[...] = z.T
    np.maximum.reduce(turned, axis=0, out=ctx.views("peaks", (out,), _turned))
    return out


def class_sums(ctx: Context, x: Array, out: Array) -> Array:
    """Write the sum of each row of x (n, ..., classes) to out (n, ..., 1), and return it.

    It is a product with ones, in BLAS. Both lie in C order.
    """
    rows, ones, sums = ctx.views("sums", (x, out), _multiplied)
    rows.dot(ones, sums)
    return out


def _turned(column: Array) -> Array:
    return column[..., 0].T


def _multiplied(x: Array, out: Array) -> tuple[Array, Array, Array]:
    """Return x as a matrix, ones for its columns, and out as a vector."""
    classes = x.shape[-1]
    return x.reshape(-1, classes), np.ones(classes, x.dtype), out.reshape(-1)

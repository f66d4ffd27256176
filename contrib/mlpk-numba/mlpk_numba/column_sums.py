"""Sums over the rows of a matrix."""

from __future__ import annotations

import numpy as np
from mlpk.arrays import Array

from mlpk_numba.compiled import compiled

__all__ = ["column_sums"]


@compiled
def column_sums(x: Array, out: Array) -> None:
    """Write the sums of x (rows, n) to out (n,), added up in float64."""
    sums = np.zeros(out.size)
    for row in range(len(x)):
        for column in range(out.size):
            sums[column] += x[row, column]
    for column in range(out.size):
        out[column] = sums[column]

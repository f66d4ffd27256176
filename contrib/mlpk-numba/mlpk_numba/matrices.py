"""Products of matrices by BLAS, shared out where they are large."""

from __future__ import annotations

import numpy as np
from mlpk.arrays import Array

from mlpk_numba.sharing import pays, share_out

__all__ = ["multiply"]


def multiply(a: Array, b: Array, out: Array) -> None:
    """Write the product of matrices a and b to out, which lies in one piece.

    It is parted along its longer side, so that the factor which every thread reads is the smaller.
    """
    work = out.size * len(b)
    if not pays(work):
        np.dot(a, b, out)  # asks less before it begins than `np.matmul`
        return
    rows, columns = out.shape
    if rows >= columns:
        share_out(_rows, rows, work, a, b, out)
    else:
        share_out(_rows, columns, work, b.T, a.T, out.T)


def _rows(first: int, stop: int, a: Array, b: Array, out: Array) -> None:
    np.matmul(a[first:stop], b, out=out[first:stop])

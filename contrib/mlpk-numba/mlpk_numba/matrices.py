"""Products of matrices by BLAS, shared out where they are large."""

from __future__ import annotations

import numpy as np
from mlpk import blas
from mlpk.arrays import Array

from mlpk_numba import gemm
from mlpk_numba.compiled import shared
from mlpk_numba.sharing import pays, share_out

__all__ = ["multiply"]


def multiply(a: Array, b: Array, out: Array) -> None:
    """Write the product of matrices a and b to out, which lies in one piece.

    It is parted along its longer side, so that the factor which every thread reads is the smaller.
    """
    work = out.size * len(b)
    found = blas.gemm(out.dtype) if pays(work) and a.dtype == b.dtype == out.dtype else None
    rows, columns = out.shape
    if found is None or 1 in (rows, columns, len(b)):  # for vectors BLAS has other functions
        np.dot(a, b, out)
        return
    kernel, count = (_rows, rows) if rows >= columns else (_columns, columns)
    share_out(kernel, count, work, *found, a, b, out, each=1)


@shared
def _rows(first: int, stop: int, address: int, wide: bool, a: Array, b: Array, out: Array) -> None:
    gemm.multiply(address, wide, a[first:stop], b, out[first:stop])


@shared
def _columns(
    first: int, stop: int, address: int, wide: bool, a: Array, b: Array, out: Array
) -> None:
    gemm.multiply(address, wide, a, b[:, first:stop], out[:, first:stop])

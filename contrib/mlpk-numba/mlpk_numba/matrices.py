"""Products of matrices by BLAS, shared out where they are large."""

from __future__ import annotations

import numpy as np
from mlpk import blas
from mlpk.arrays import Array

from mlpk_numba import gemm
from mlpk_numba.kernel import shared
from mlpk_numba.sharing import pays, share_out

__all__ = ["multiply"]


def multiply(a: Array, b: Array, out: Array) -> None:
    """Write the product of matrices a and b to out, which lies in one piece.

    It is parted along its longer side, so that the factor which every thread reads is the smaller.
    """
    work = out.size * len(b)
    found = blas.gemm(out.dtype) if _large(work) and _fit(a, b, out) else None
    if found is None:
        np.dot(a, b, out)
        return
    rows, columns = out.shape
    kernel, count = (_rows, rows) if rows >= columns else (_columns, columns)
    share_out(kernel, count, work, *found, a, b, out, each=1)


def _large(work: int) -> bool:
    """Tell whether so many multiply-adds are shared out, or taken in parts; else NumPy asks less."""
    return work > gemm.PART or pays(work)


def _fit(a: Array, b: Array, out: Array) -> bool:
    """Tell whether `gemm.call` takes these; for vectors BLAS has other functions."""
    return (
        a.flags.forc and b.flags.forc
        and a.dtype == b.dtype == out.dtype
        and 1 not in (*out.shape, len(b))
    )  # fmt: skip


@shared
def _rows(first: int, stop: int, address: int, wide: bool, a: Array, b: Array, out: Array) -> None:
    gemm.call(address, wide, a[first:stop], b, out[first:stop])


@shared
def _columns(
    first: int, stop: int, address: int, wide: bool, a: Array, b: Array, out: Array
) -> None:
    gemm.call(address, wide, a, b[:, first:stop], out[:, first:stop])

"""Products of matrices by BLAS, shared out where they are large."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from mlpk import blas
from mlpk.arrays import Array
from numba import njit

from mlpk_numba import gemm
from mlpk_numba.compiled import OPTIONS
from mlpk_numba.kernel import shared
from mlpk_numba.sharing import share_out, threads_for

__all__ = ["multiply", "multiply_both"]

Product: TypeAlias = tuple[Array, Array, Array]  # a, b, and where a b is written


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


def multiply_both(one: Product, other: Product) -> None:
    """Write two products of as many multiply-adds; where they are shared out, both at once."""
    out, others = one[2], other[2]
    work = out.size * len(one[1]) + others.size * len(other[1])
    threads = threads_for(work)
    found = blas.gemm(out.dtype) if threads > 1 and _fit(*one) and _fit(*other) else None
    if found is None:
        multiply(*one)
        multiply(*other)
        return
    pieces = min(threads, max(out.shape), max(others.shape))
    share_out(_both, 2 * pieces, work, *found, pieces, *one, *other, each=2)


def _large(work: int) -> bool:
    """Tell whether so many multiply-adds are shared out, or taken in parts; else NumPy asks less."""
    return work > gemm.PART or threads_for(work) > 1


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


@shared
def _both(
    first: int, stop: int, address: int, wide: bool, pieces: int,
    a: Array, b: Array, out: Array, c: Array, d: Array, other: Array,
) -> None:  # fmt: skip
    for piece in range(first, stop):
        if piece < pieces:
            _piece(address, wide, piece, pieces, a, b, out)
        else:
            _piece(address, wide, piece - pieces, pieces, c, d, other)


@njit(**OPTIONS)
def _piece(
    address: int, wide: bool, piece: int, pieces: int, a: Array, b: Array, out: Array
) -> None:
    rows, columns = out.shape
    if rows >= columns:
        part = slice(rows * piece // pieces, rows * (piece + 1) // pieces)
        gemm.call(address, wide, a[part], b, out[part])
    else:
        part = slice(columns * piece // pieces, columns * (piece + 1) // pieces)
        gemm.call(address, wide, a, b[:, part], out[:, part])

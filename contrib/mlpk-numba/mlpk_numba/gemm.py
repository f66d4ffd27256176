"""The matrix product of BLAS, for compiled functions, which cannot ask NumPy for it."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from mlpk.arrays import Array
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from mlpk_numba.compiled import OPTIONS, compiled
from mlpk_numba.pointers import real_of

__all__ = ["PART", "call"]

# Multiply-adds up to which OpenBLAS takes matrices as they lie, on processors with AVX-512, instead
# of packing both. Where columns are few, parts of that size take 0.6 to 0.99 of the time of the
# whole there; on other processors, which is not asked, 1 to 1.05.
PART = 10**6
NARROW = 128  # columns; with more, parts are no faster
HIGH, DEEP = 128, 128  # rows of a part, and what is summed up in it, at most

ROWS_FIRST, AS_IT_LIES, TURNED = 101, 111, 112  # of cblas.h

Int32, Int64, Address = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()


@compiled
def call(address: int, wide: bool, a: Array, b: Array, out: Array) -> None:
    """Write a b to out by the `Gemm` that is there; of a and b, one axis or the other is in one piece.

    They may be parts of one row or column, but of matrices whose axes are longer than 1: of others
    strides tell nothing. The rows of out are in one piece each. Narrow products are taken in parts.
    """
    rows, columns = out.shape
    high, deep = rows, len(b)
    if columns <= NARROW and rows * columns * deep > PART:
        high = min(rows, HIGH)
        deep = min(DEEP, PART // (high * columns))
    for row in range(0, rows, high):
        for at in range(0, len(b), deep):
            part = a[row : row + high, at : at + deep]
            _add(address, wide, part, b[at : at + deep], at > 0, out[row : row + high])


@njit(**OPTIONS)
def _add(address: int, wide: bool, a: Array, b: Array, more: bool, out: Array) -> None:
    """Write a b to out, or add it to what is there if there is to be `more`."""
    item = out.itemsize
    turn_a, turn_b = a.strides[1] != item, b.strides[1] != item
    numbers = (
        TURNED if turn_a else AS_IT_LIES,
        TURNED if turn_b else AS_IT_LIES,
        out.shape[0],
        out.shape[1],
        b.shape[0],
        a.strides[1 if turn_a else 0] // item,
        b.strides[1 if turn_b else 0] // item,
        out.strides[0] // item,
    )
    _call(address, wide, numbers, out.dtype.type(more), a, b, out)


@intrinsic
def _call(_: Any, address: Any, wide: Any, numbers: Any, beta: Any, a: Any, b: Any, c: Any) -> Any:
    """Call it with alpha = 1; the numbers are TransA, TransB, M, N, K, lda, ldb, ldc."""
    real, _ = real_of(c.dtype)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        a, b, c = (
            builder.bitcast(context.make_array(kind)(context, builder, array).data, Address)
            for kind, array in zip(signature.args[4:], given[4:], strict=True)
        )
        numbers = cgutils.unpack_tuple(builder, given[2])

        def call_with(integer: Any) -> None:
            kinds = (Int32, Int32, *[integer] * 6)
            turn_a, turn_b, m, n, k, lda, ldb, ldc = (
                builder.trunc(number, kind) if kind == Int32 else number
                for number, kind in zip(numbers, kinds, strict=True)
            )
            order, alpha = Int32(ROWS_FIRST), real(1.0)
            each = (order, turn_a, turn_b, m, n, k, alpha, a, lda, b, ldb, given[3], c, ldc)
            kind = ir.FunctionType(ir.VoidType(), [one.type for one in each])
            builder.call(builder.inttoptr(given[0], kind.as_pointer()), each)

        with builder.if_else(given[1]) as (then, otherwise):
            with then:
                call_with(Int64)
            with otherwise:
                call_with(Int32)
        return context.get_dummy_value()

    return types.void(types.int64, types.boolean, numbers, c.dtype, a, b, c), generate

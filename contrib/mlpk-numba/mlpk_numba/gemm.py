"""The matrix product of BLAS, for compiled functions, which cannot ask NumPy for it."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from mlpk.arrays import Array
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mlpk_numba.compiled import compiled

__all__ = ["call"]

ROWS_FIRST, AS_IT_LIES, TURNED = 101, 111, 112  # of cblas.h

Int32, Int64, Address = ir.IntType(32), ir.IntType(64), ir.IntType(8).as_pointer()


@compiled
def call(address: int, wide: bool, a: Array, b: Array, out: Array) -> None:
    """Write a b to out by the `Gemm` that is there; of a and b, one axis or the other is in one piece.

    They may be parts of one row or column, but of matrices whose axes are longer than 1: of others
    strides tell nothing. The rows of out are in one piece each.
    """
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
    _call(address, wide, numbers, a, b, out)


@intrinsic
def _call(_: Any, address: Any, wide: Any, numbers: Any, a: Any, b: Any, c: Any) -> Any:
    """Call it with alpha = 1 and beta = 0; numbers are TransA, TransB, M, N, K, lda, ldb, ldc."""
    real = ir.DoubleType() if c.dtype == types.float64 else ir.FloatType()

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        a, b, c = (
            builder.bitcast(context.make_array(kind)(context, builder, array).data, Address)
            for kind, array in zip(signature.args[3:], given[3:], strict=True)
        )
        numbers = cgutils.unpack_tuple(builder, given[2])

        def call_with(integer: Any) -> None:
            kinds = (Int32, Int32, *[integer] * 6)
            turn_a, turn_b, m, n, k, lda, ldb, ldc = (
                builder.trunc(number, kind) if kind == Int32 else number
                for number, kind in zip(numbers, kinds, strict=True)
            )
            order, alpha, beta = Int32(ROWS_FIRST), real(1.0), real(0.0)
            each = (order, turn_a, turn_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
            kind = ir.FunctionType(ir.VoidType(), [one.type for one in each])
            builder.call(builder.inttoptr(given[0], kind.as_pointer()), each)

        with builder.if_else(given[1]) as (then, otherwise):
            with then:
                call_with(Int64)
            with otherwise:
                call_with(Int32)
        return context.get_dummy_value()

    return types.void(types.int64, types.boolean, numbers, a, b, c), generate

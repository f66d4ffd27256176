"""Where elements of arrays lie, for functions that are written as LLVM's code."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

__all__ = ["pointer_to", "real_of"]

Byte = ir.IntType(8)


def real_of(dtype: Any) -> tuple[Any, int]:
    """Return LLVM's type for float32 or float64, and how many bytes it takes."""
    return (ir.DoubleType(), 8) if dtype == types.float64 else (ir.FloatType(), 4)


def pointer_to(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> tuple[Any, list[Any]]:
    """Return a pointer to a place of an array, given as a tuple of an index an axis; and the strides.

    The place may lie outside: nothing is read here.
    """
    made = context.make_array(kind)(context, builder, array)
    strides = [builder.extract_value(made.strides, axis) for axis in range(kind.ndim)]
    pointer = builder.bitcast(made.data, Byte.as_pointer())
    for axis, stride in enumerate(strides):
        index = builder.extract_value(at, axis)
        pointer = builder.gep(pointer, [builder.mul(stride, index)])
    return pointer, strides

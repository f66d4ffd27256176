"""Memory that is asked for some time before it is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from mlpk_numba.pointers import pointer_to

__all__ = ["prefetch_to_read", "prefetch_to_write"]

Int32 = ir.IntType(32)
NEAR, DATA = 2, 1  # to the second cache; not instructions


def _prefetch(*, write: bool) -> Callable[[Any, Any], None]:
    """Return a compiled function of x and a place in it, which may be beyond its ends."""

    @intrinsic
    def ask_for(typing_context: Any, x: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer, _ = pointer_to(context, builder, x, *arguments)
            kind = ir.FunctionType(ir.VoidType(), [pointer.type, Int32, Int32, Int32])
            function = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
            builder.call(function, [pointer, Int32(int(write)), Int32(NEAR), Int32(DATA)])
            return context.get_dummy_value()

        return types.void(x, at), generate

    made: Callable[[Any, Any], None] = ask_for
    return made


prefetch_to_read, prefetch_to_write = _prefetch(write=False), _prefetch(write=True)

"""What is posted on a board: a function that calls a kernel, and where the arguments for it lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mlpk_numba.atomics import address

__all__ = ["FAILED", "poster", "run_part"]

# Places on a board. FAILED becomes 1 where the kernel finds no memory for what it keeps meanwhile.
KERNEL, ARGUMENTS, FAILED = 27, 28, 29

Int64, Address = ir.IntType(64), ir.IntType(8).as_pointer()
Part = ir.FunctionType(ir.VoidType(), [Address, Int64, Int64, Address])


def poster(kernel: Any) -> Callable[..., None]:
    """Return a compiled function (board, arguments) that posts a kernel (first, stop, *arguments).

    It is called by compiled functions, and leaves the arguments, a tuple, in the frame of its caller.
    """

    @intrinsic
    def post(typing_context: Any, board: Any, arguments: Any) -> Any:
        wanted = (types.int64, types.int64, *arguments.types)
        called = typing_context.resolve_function_type(types.Dispatcher(kernel), wanted, {})

        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            part = _part(context, builder.module, kernel.get_compile_result(called), given[1].type)
            held = cgutils.alloca_once_value(builder, given[1])
            for place, what in ((KERNEL, part), (ARGUMENTS, held)):
                word = address(context, builder, signature.args[0], given[0], Int64(place))
                builder.store(builder.ptrtoint(what, Int64), word)
            return context.get_dummy_value()

        return types.void(board, arguments), generate

    made: Callable[..., None] = post
    return made


def _part(context: Any, module: Any, kernel: Any, held: Any) -> Any:
    """Return a function (arguments, first, stop, failed) that unpacks them and calls the kernel."""
    context.active_code_library.add_linking_library(kernel.library)
    name = module.get_unique_name(f"{kernel.fndesc.llvm_func_name}.part")
    function = ir.Function(module, Part, name)
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    arguments, first, stop, failed = function.args
    each = cgutils.unpack_tuple(
        builder, builder.load(builder.bitcast(arguments, held.as_pointer()))
    )
    status, _ = context.call_internal_no_propagate(
        builder, kernel.fndesc, kernel.signature, [first, stop, *each]
    )
    with builder.if_then(status.is_error, likely=False):
        builder.store(Int64(1), builder.bitcast(failed, Int64.as_pointer()))
    builder.ret_void()
    return function


@intrinsic
def run_part(_: Any, board: Any, first: Any, stop: Any) -> Any:
    """Do the numbers from `first` to `stop` with what is posted."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kernel, arguments, failed = (
            address(context, builder, signature.args[0], given[0], Int64(place))
            for place in (KERNEL, ARGUMENTS, FAILED)
        )
        function = builder.inttoptr(builder.load(kernel), Part.as_pointer())
        held = builder.inttoptr(builder.load(arguments), Address)
        builder.call(function, [held, given[1], given[2], builder.bitcast(failed, Address)])
        return context.get_dummy_value()

    return types.void(board, types.int64, types.int64), generate

"""A board: one thread posts a kernel on it, and all who look at it do parts of its range.

Who posts does parts, too, until none is left; then nobody may join any more, and those who have are
waited for. So a thread that comes late, or never, keeps nobody waiting.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from mlpk_numba.atomics import add, pause, read, replace, write

__all__ = ["NOBODYS", "Board", "do_parts", "leave", "lend_a_hand", "poster", "take"]

# Places on a board, an array of int64. Those that threads write at the same time have a line of the
# cache of their own. STATE is the job's number, then a bit while one may join, then who has joined.
# TAKEN is 1 while somebody posts.
STATE, NEXT, FINISHED, TAKEN, PARTS, COUNT, KERNEL, ARGUMENTS, FAILED = 0, 8, 16, *range(24, 30)
WORDS = 32
OPEN = 2**15
JOB = 2 * OPEN

# Who posts may be waiting for the very core on which a thread looks for something to do.
GIVES_WAY = hasattr(os, "sched_yield")  # not on Windows
EVERY = 32  # turns of the loop
sched_yield = types.ExternalFunction("sched_yield", types.int32())

Int64, Address = ir.IntType(64), ir.IntType(8).as_pointer()
Part = ir.FunctionType(ir.VoidType(), [Address, Int64, Int64, Address])


Board: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"

NOBODYS: Board = np.zeros(WORDS, np.int64)
NOBODYS[TAKEN] = 1


@njit(nogil=True)
def take(board: Board) -> Board:
    """Return the board, or one that nobody else looks at where somebody else has it.

    Compiled code is not interrupted: whoever has it will leave it.
    """
    if replace(board, TAKEN, 0, 1):
        return board
    return np.zeros(WORDS, np.int64)


@njit(nogil=True)
def leave(board: Board) -> None:
    """Let others post."""
    write(board, TAKEN, 0)


@njit(nogil=True)
def do_parts(board: Board, parts: int, count: int) -> bool:
    """Do the kernel on the board for all of range(count), in so many parts; tell whether it could.

    It cannot where it finds no memory for what it keeps meanwhile.
    """
    board[PARTS], board[COUNT] = parts, count
    board[NEXT], board[FINISHED], board[FAILED] = 0, 0, 0
    number = read(board, STATE) // JOB
    write(board, STATE, (number + 1) * JOB + OPEN)
    _take_parts(board)
    state = read(board, STATE)
    while not replace(board, STATE, state, state - OPEN):
        state = read(board, STATE)
    while read(board, FINISHED) < state % OPEN:
        pause()
    return bool(board[FAILED] == 0)


@njit(nogil=True)
def lend_a_hand(board: Board, last: int, turns: int, jobs: int) -> int:
    """Join jobs after `last`, so many at most, until none has come for some turns; return the last."""
    idle = 0
    while idle < turns and jobs > 0:
        state = read(board, STATE)
        number = state // JOB
        if number != last and state % JOB >= OPEN:
            if replace(board, STATE, state, state + 1):
                last = number
                _take_parts(board)
                add(board, FINISHED, 1)
                jobs -= 1
            idle = 0
        else:
            idle += 1
            if GIVES_WAY and idle % EVERY == 0:
                sched_yield()
            else:
                pause()
    return last


@njit(nogil=True)
def _take_parts(board: Board) -> None:
    """Do one part after the other, as long as there are any."""
    count, parts = board[COUNT], board[PARTS]
    part = add(board, NEXT, 1)
    while part < parts:
        _run(board, count * part // parts, count * (part + 1) // parts)
        part = add(board, NEXT, 1)


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
            for place, address in ((KERNEL, part), (ARGUMENTS, held)):
                word = _word(context, builder, signature, given, place)
                builder.store(builder.ptrtoint(address, Int64), word)
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
def _run(_: Any, board: Any, first: Any, stop: Any) -> Any:
    """Call the function on the board."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kernel, arguments, failed = (
            _word(context, builder, signature, given, place)
            for place in (KERNEL, ARGUMENTS, FAILED)
        )
        function = builder.inttoptr(builder.load(kernel), Part.as_pointer())
        held = builder.inttoptr(builder.load(arguments), Address)
        builder.call(function, [held, given[1], given[2], builder.bitcast(failed, Address)])
        return context.get_dummy_value()

    return types.void(board, types.int64, types.int64), generate


def _word(context: Any, builder: Any, signature: Any, given: Any, place: int) -> Any:
    """Return where a word lies on the board, which comes first of what is given."""
    board = context.make_array(signature.args[0])(context, builder, given[0])
    return builder.gep(board.data, [Int64(place)])

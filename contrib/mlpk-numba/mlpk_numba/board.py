"""A board: one thread posts a kernel on it, and all who look at it do parts of its range.

Who posts does parts, too, until none is left; then nobody may join any more, and those who have are
waited for. So a thread that comes late, or never, keeps nobody waiting.
"""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
from numba import njit, types

from mlpk_numba.atomics import add, pause, read, replace, write
from mlpk_numba.compiled import compiled
from mlpk_numba.posting import FAILED, run_part

__all__ = ["NOBODYS", "WORDS", "Board", "do_parts", "leave", "lend_a_hand", "take"]

# Places on a board, an array of int64. Those that threads write at the same time have a line of the
# cache of their own. STATE is the job's number, then a bit while one may join, then who has joined.
# TAKEN is 1 while somebody posts. What is posted has places of its own.
STATE, NEXT, FINISHED, TAKEN, PARTS, COUNT = 0, 8, 16, 24, 25, 26
WORDS = 32
OPEN = 2**15
JOB = 2 * OPEN

# Who posts may be waiting for the very core on which a thread looks for something to do.
GIVES_WAY = hasattr(os, "sched_yield")  # not on Windows
EVERY = 32  # turns of the loop
sched_yield = types.ExternalFunction("sched_yield", types.int32())

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
    _do_next_parts(board)
    state = read(board, STATE)
    while not replace(board, STATE, state, state - OPEN):
        state = read(board, STATE)
    while read(board, FINISHED) < state % OPEN:
        pause()
    return bool(board[FAILED] == 0)


@compiled
def lend_a_hand(board: Board, last: int, turns: int, jobs: int) -> int:
    """Join jobs after `last`, so many at most, until none has come for some turns; return the last."""
    idle = 0
    while idle < turns and jobs > 0:
        state = read(board, STATE)
        number = state // JOB
        if number != last and state % JOB >= OPEN:
            if replace(board, STATE, state, state + 1):
                last = number
                _do_next_parts(board)
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
def _do_next_parts(board: Board) -> None:
    """Do one part after the other, as long as there are any."""
    count, parts = board[COUNT], board[PARTS]
    part = add(board, NEXT, 1)
    while part < parts:
        run_part(board, count * part // parts, count * (part + 1) // parts)
        part = add(board, NEXT, 1)

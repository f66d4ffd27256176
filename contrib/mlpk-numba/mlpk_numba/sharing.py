"""Kernels over a range, shared out among threads where they take long enough."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mlpk import blas
from mlpk.workers import in_lane, undisturbed

from mlpk_numba.board import FAILED, PARTS
from mlpk_numba.crew import Board, crew

__all__ = ["pays", "share_out"]

LEAST = 2**18  # bytes that are gone over in a part: some 3 us
EACH = 4  # parts a thread: who is through first takes the next


class _Here(threading.local):
    """The board at which this thread works alone."""

    def __init__(self) -> None:
        self.board = Board()


_here = _Here()


def pays(work: int) -> bool:
    """Tell whether two threads would get enough of `work`, and there are two for it."""
    return work >= 2 * LEAST and blas.threads() > 1 and not in_lane()


def share_out(
    kernel: Callable[..., object], count: int, work: int, *arguments: Any, each: int = EACH
) -> None:
    """Do kernel(first, stop, *arguments) so that range(count) is done, by all threads if it pays.

    The kernel is `shared`. `work` is what it takes, in bytes that are gone over, or multiply-adds,
    of which as many take as long; a thread gets `each` parts, more or less. It must do the same for
    each number in whatever part that lies, so that results don't depend on the threads.
    """
    board = _here.board
    if not pays(work):
        kernel(board.array, count, *arguments)
    elif (turn := undisturbed()).holds:
        board = _together(kernel, count, work, arguments, each)
    else:
        with turn:
            turn.hold()
            board = _together(kernel, count, work, arguments, each)
    if board.words[FAILED]:
        raise MemoryError("a compiled function found no memory for what it keeps meanwhile")


def _together(
    kernel: Callable[..., object], count: int, work: int, arguments: tuple[Any, ...], each: int
) -> Board:
    """Do it with the crew, or alone if that is not to be had; return the board that it stood on.

    The parts are the same either way, since sums in BLAS depend on them.
    """
    threads, crew_ = blas.threads(), crew()
    parts = min(count, work // LEAST, each * threads)
    taken = crew_.take(min(parts, threads) - 1)
    board = crew_.board if taken else _here.board
    board.words[PARTS] = parts
    try:
        kernel(board.array, count, *arguments)
    finally:
        board.words[PARTS] = 1
        if taken:
            crew_.release()
    return board

"""Kernels over a range, shared out among threads where they take long enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlpk import blas
from mlpk.workers import in_lane, undisturbed

from mlpk_numba.board import NOBODYS
from mlpk_numba.crew import crew

__all__ = ["share_out", "threads_for"]

LEAST = 2**18  # bytes that are gone over in a part: some 3 us
EACH = 4  # parts a thread: who is through first takes the next


def threads_for(work: int) -> int:
    """Return how many threads share so much `work`: BLAS's, but one where two would get too little."""
    return 1 if work < 2 * LEAST or in_lane() else blas.threads()


def share_out(
    kernel: Callable[..., bool], count: int, work: int, *arguments: Any, each: int = EACH
) -> None:
    """Do kernel(first, stop, *arguments) so that range(count) is done, by all threads if it pays.

    The kernel is `shared`. `work` is what it takes, in bytes that are gone over, or multiply-adds,
    of which as many take as long; a thread gets `each` parts, more or less. A kernel does the same for
    a number in whatever part it lies. How many parts there are depends on sizes and on the number of
    threads that BLAS has, never on who is there: BLAS rounds by the size of its matrices.
    """
    threads = threads_for(work)
    if threads == 1:
        done = kernel(NOBODYS, 1, count, *arguments)
    else:
        parts = min(count, work // LEAST, each * threads)
        with undisturbed() as turn:
            turn.hold()
            board = crew().call(min(parts, threads) - 1)
            done = kernel(board, parts, count, *arguments)
    if not done:
        raise MemoryError("a compiled function found no memory for what it keeps meanwhile")

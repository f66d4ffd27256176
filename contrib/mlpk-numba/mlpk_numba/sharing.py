"""Kernels over a range, shared out among threads where they take long enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlpk import blas
from mlpk.workers import in_lane, undisturbed

from mlpk_numba.board import NOBODYS
from mlpk_numba.crew import crew

__all__ = ["pays", "share_out"]

LEAST = 2**18  # bytes that are gone over in a part: some 3 us
EACH = 4  # parts a thread: who is through first takes the next


def pays(work: int) -> bool:
    """Tell whether two threads would get enough of `work`, and there are two for it."""
    return work >= 2 * LEAST and blas.threads() > 1 and not in_lane()


def share_out(
    kernel: Callable[..., bool], count: int, work: int, *arguments: Any, each: int = EACH
) -> None:
    """Do kernel(first, stop, *arguments) so that range(count) is done, by all threads if it pays.

    The kernel is `shared`. `work` is what it takes, in bytes that are gone over, or multiply-adds,
    of which as many take as long; a thread gets `each` parts, more or less. A kernel does the same for
    a number in whatever part it lies. How many parts there are depends on sizes and on the number of
    threads that BLAS has, never on who is there: BLAS rounds by the size of its matrices.
    """
    if not pays(work):
        done = kernel(NOBODYS, 1, count, *arguments)
    else:
        threads = blas.threads()
        parts = min(count, work // LEAST, each * threads)
        with undisturbed() as turn:
            turn.hold()
            board = crew().call(min(parts, threads) - 1)
            done = kernel(board, parts, count, *arguments)
    if not done:
        raise MemoryError("a compiled function found no memory for what it keeps meanwhile")

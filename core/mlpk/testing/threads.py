"""Threads that begin together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

__all__ = ["THREADS", "together"]

T = TypeVar("T")
THREADS = 4


def together(works: Sequence[Callable[[], T]]) -> list[T]:
    """Return what each of these gives, all called at once, each in a thread of its own."""
    barrier = Barrier(len(works))

    def begin(work: Callable[[], T]) -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))

"""Blocks of 16 MiB, each with a digest of its own, and the threads that hash several at once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from mlpk.arrays import Array
from mlpk.file.threads import Task, Threads

__all__ = ["BLOCK", "DIGEST_SIZE", "THREADED", "batches", "digests_size", "raw", "run"]

BLOCK: Final = 16 * 2**20
DIGEST_SIZE: Final = 32

# Below `THREADED` bytes starting threads costs more than it saves; a batch of small blocks is
# large enough to outweigh its hand-over to a thread.
THREADED: Final = 8 * 2**20
_BATCH: Final = 2**20
_WORKERS: Final = min(8, os.cpu_count() or 1)

T = TypeVar("T")
K = TypeVar("K")


def digests_size(nbytes: int) -> int:
    """Return how many bytes the joined digests of a tensor take."""
    return -(-nbytes // BLOCK) * DIGEST_SIZE


def raw(array: Array) -> memoryview:
    """Return the memory of a contiguous array as bytes, without a copy."""
    return array.data.cast("B") if array.size else memoryview(bytearray())


def batches(tensors: Iterable[tuple[K, int]]) -> Iterator[list[tuple[K, int, int]]]:
    """Cut tensors, given with their sizes, into blocks (tensor, start, stop), small ones joined."""
    batch: list[tuple[K, int, int]] = []
    held = 0
    for tensor, nbytes in tensors:
        for start in range(0, nbytes, BLOCK):
            stop = min(start + BLOCK, nbytes)
            batch.append((tensor, start, stop))
            held += stop - start
            if held >= _BATCH:
                yield batch
                batch, held = [], 0
    if batch:
        yield batch


def run(jobs: Iterable[Callable[[], T]], nbytes: int) -> Iterator[T]:
    """Yield the results of jobs over `nbytes` in order, computed by several threads if that pays.

    Jobs are taken only a little ahead of the results, so what one holds is soon freed, and a
    failure leaves most of the others undone.
    """
    if nbytes < THREADED:
        for job in jobs:
            yield job()
        return
    waiting: deque[Task[T]] = deque()
    with Threads(_WORKERS) as threads:
        for job in jobs:
            waiting.append(threads.begin(job))
            if len(waiting) > _WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

"""Threads that look for kernels while there are some, so that handing one over takes some 2 us.

To wake a thread takes some 30 us, as long as many kernels do.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from math import inf
from queue import SimpleQueue
from time import perf_counter

import numpy as np

from mlpk_numba.board import NOBODYS, WORDS, Board, lend_a_hand

__all__ = ["crew"]

STAY = 300e-6  # seconds for which a thread looks for the next kernel before it falls asleep
JOBS = 64  # kernels after which it asks whether it is in the way
CROWDED = 0.15  # the share of its time that it had to wait for a core, from which on it is
IN_A_ROW = 2  # times; once may be by chance
REST = 0.02, 2.0  # seconds for which nobody calls it then: the first time, and at most
TRIALS, TRIAL = 20, 2_000  # how often a loop is timed, and its turns


class Crew:
    """Threads at one board."""

    def __init__(self) -> None:
        self.board: Board = np.zeros(WORDS, np.int64)
        self._asleep: deque[SimpleQueue[None]] = deque()
        self._count = 0
        self._rest_until = 0.0

    def call(self, others: int) -> Board:
        """See to it that so many stand by, and return their board; nobody's where they are in the way.

        Where no thread can be started, whoever is there is enough.
        """
        if self._rest_until:
            if perf_counter() < self._rest_until:
                return NOBODYS
            self._rest_until = 0.0
        while self._count - len(self._asleep) < others:
            if self._asleep:
                self._wake(self._asleep[-1])
            elif not self._start():
                break
        return self.board

    def _wake(self, bell: SimpleQueue[None]) -> None:
        """Ring first: where Ctrl-C comes in between, it rings once more, and nobody sleeps for good."""
        bell.put(None)
        with suppress(ValueError):  # another thread has done it
            self._asleep.remove(bell)

    def _start(self) -> bool:
        thread = threading.Thread(target=self._stand_by, name="mlpk-numba", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._count += 1
        return True

    def _stand_by(self) -> None:
        bell: SimpleQueue[None] = SimpleQueue()
        turns, waited = _turns(STAY), _waiting()
        last, crowded, rest = 0, 0, REST[0]
        while True:
            seen, delay, begun = last, waited(), perf_counter()
            last = lend_a_hand(self.board, last, turns, JOBS)
            late = waited() - delay > CROWDED * (perf_counter() - begun)
            crowded = crowded + 1 if late else 0
            if crowded == IN_A_ROW:
                self._rest_until = perf_counter() + rest
                rest, crowded = min(2 * rest, REST[1]), 0
            elif last - seen >= JOBS:
                if not late:
                    rest = max(rest / 2, REST[0])
                continue
            self._asleep.append(bell)
            bell.get()


def _turns(seconds: float) -> int:
    """Return how many turns of its loop a thread does in so long, if nobody wants anything.

    The fastest trial counts: in the others it may have waited for its core, and would fall asleep
    all too soon, for as long as the process lives.
    """
    lend_a_hand(NOBODYS, 0, 1, 1)  # so that it is compiled before it is timed
    least = inf
    for _ in range(TRIALS):
        begun = perf_counter()
        lend_a_hand(NOBODYS, 0, TRIAL, 1)
        least = min(least, perf_counter() - begun)
    return int(seconds * TRIAL / least) + 1


def _waiting() -> Callable[[], float]:
    """Return what tells for how many seconds this thread has waited for a core; 0 if nothing does."""
    try:
        file = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
    except OSError:  # not on Linux
        return lambda: 0.0
    return lambda: int(os.pread(file, 64, 0).split()[1]) / 1e9


@cache
def crew() -> Crew:
    """Return the crew of this process."""
    return Crew()


if hasattr(os, "register_at_fork"):  # not on Windows; a fork has none of its parent's threads
    os.register_at_fork(after_in_child=crew.cache_clear)

"""The threads that share work out among them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any

from mlpk.workers import undisturbed

__all__ = ["THREADS", "alone", "share_out"]

VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")
# What takes less, some 100 us, is as soon done here as in a thread that has to be woken.
LEAST = 2**23


def _threads() -> int:
    """Return how many threads to use: what the environment says, or one a core."""
    for variable in VARIABLES:
        said = os.environ.get(variable, "")
        if said.isdecimal() and int(said):
            return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


THREADS = _threads()
_helpers: ThreadPoolExecutor | None = None


def share_out(kernel: Callable[..., object], count: int, work: int, *arguments: Any) -> None:
    """Call `kernel(first, stop, *arguments)` so that range(count) is done, by all threads if it pays.

    `work` is what it takes, in bytes that are gone over. A kernel must do the same for each number
    in whatever stretch it lies, so that results don't depend on the threads.
    """
    parts = min(THREADS, count, work // LEAST)
    if parts < 2:  # noqa: PLR2004 - nobody to share with
        kernel(0, count, *arguments)
        return
    bounds = [count * part // parts for part in range(parts + 1)]
    own, helped = [(0, bounds[1])], []
    with alone():
        for stretch in pairwise(bounds[1:]):
            try:
                helped.append(_crew().submit(kernel, *stretch, *arguments))
            except RuntimeError:  # the main thread has ended, and with it the helpers
                own.append(stretch)
        try:
            for stretch in own:
                kernel(*stretch, *arguments)
        finally:
            for each in helped:
                each.result()


def alone() -> AbstractContextManager[object]:
    """Keep BLAS in one thread: its own would be busy for a while after each product, and in the way.

    Within a step of training, or a prediction, it stays there until the end of that.
    """
    turn = undisturbed()
    if THREADS > 1:
        turn.hold()
    return turn


def _crew() -> ThreadPoolExecutor:
    global _helpers  # noqa: PLW0603 - made when first needed, and anew in a forked process
    if _helpers is None:
        _helpers = ThreadPoolExecutor(THREADS - 1, "mlpk-numba")
    return _helpers


def _forget() -> None:
    global _helpers  # noqa: PLW0603 - threads do not come along into a fork
    _helpers = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

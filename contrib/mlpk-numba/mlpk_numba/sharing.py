"""Kernels over a range, shared out among mlpk's threads where they take long enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlpk import Context, blas
from mlpk.workers import share

__all__ = ["pays", "share_out"]

LEAST = 2**23  # bytes that a thread gets at least: some 100 us
AHEAD = 3 * 2**20  # bytes that are gone over here until another thread has been woken
_no_scratch = Context("float32")  # `share` wants a context; kernels take no scratch memory from it


def pays(work: int) -> bool:
    """Tell whether two threads would get enough of `work`, in bytes that are gone over."""
    return work >= 2 * LEAST


def share_out(kernel: Callable[..., object], count: int, work: int, *arguments: Any) -> None:
    """Call `kernel(first, stop, *arguments)` so that range(count) is done, by all threads if it pays.

    `work` is what it takes, in bytes that are gone over. A kernel must do the same for each number
    in whatever stretch it lies, so that results don't depend on the threads. The stretch that stays
    here is the longest: who is through first would only fall asleep, and have to be woken.
    """
    parts = min(blas.threads(), count, work // LEAST) if pays(work) else 1
    if parts < 2:  # noqa: PLR2004 - nobody to share with
        kernel(0, count, *arguments)
        return
    each = (count - count * AHEAD // work) // parts
    bounds = [0, *range(count - each * (parts - 1), count, each), count]
    share(
        _no_scratch,
        parts,
        1,
        lambda _, part: kernel(bounds[part.start], bounds[part.stop], *arguments),
    )

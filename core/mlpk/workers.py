"""Threads that share work, of a layer, an update or a prediction: NumPy computes without Python's lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, Generic, Self, TypeVar

import numpy as np

from mlpk import blas
from mlpk.context import Context

__all__ = ["LITTLE", "MUCH", "in_lane", "share", "single", "undisturbed"]

T = TypeVar("T")

# Multiply-adds that a core does in a fifth of a millisecond: with so few, threads gain little. From
# MUCH on, a layer that `shares` a product out gives two threads enough to do.
LITTLE, MUCH = 2**24, 2**25


def share(ctx: Context, count: int, least: int, work: Callable[[Context, slice], T]) -> list[T]:
    """Return what `work` does of `count` items, stretch by stretch, several of them at once.

    There are as many stretches as BLAS has threads, but none of fewer than `least` items: handing
    one over takes some 30 us. `work` gets a context with scratch memory for its stretch alone.
    Where stretches begin depends on these numbers only, so that sums come out the same in every
    run. Matrix products take one thread each meanwhile.
    """
    lanes = count // max(1, least)
    if lanes > 1:
        lanes = 1 if _here.lane else min(blas.threads(), lanes)
    if lanes <= 1:
        return [work(ctx, slice(0, count))]
    bounds = pairwise(count * lane // lanes for lane in range(lanes + 1))
    errors = np.geterr()
    own, *others = (
        _Lane(work, ctx.inner(f"lane {lane}") if lane else ctx, slice(*stretch), errors)
        for lane, stretch in enumerate(bounds)
    )
    with undisturbed() as turn:
        turn.hold()
        _threads().take(others)
        own.run()
        for lane in others:
            lane.wait()
    return [lane.result() for lane in (own, *others)]


def undisturbed() -> _Undisturbed:
    """Return a context in which BLAS stays in one thread from the first work that is shared on.

    The threads of BLAS go on for some 30 ms after a product, waiting for the next one, and keep
    cores busy that shared work needs. So what alternates between the two belongs into one.
    """
    return _here.turn


def in_lane() -> bool:
    """Tell whether this thread does a stretch of shared work, and so is to share none itself."""
    return _here.lane


def single() -> bool:
    """Tell whether matrix products take one thread here: BLAS has no other, or is kept from them.

    What another thread keeps BLAS from does not count, so that every run does the same.
    """
    return _here.lane or _here.turn.holds or blas.threads() == 1


class _Undisturbed:
    """What `undisturbed` returns, one a thread; within itself once more it does nothing."""

    def __init__(self) -> None:
        self._depth = 0
        self.holds = False

    def __enter__(self) -> Self:
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self.holds and not self._depth:
            blas.let_go(self)
            self.holds = False

    def __del__(self) -> None:
        """Let BLAS go with the thread, where Ctrl-C kept `__exit__` from it."""
        if self.holds:
            blas.let_go(self)

    def hold(self) -> None:
        """Keep BLAS in one thread until the end."""
        if not self.holds:
            self.holds = True
            blas.hold(self)


class _Lane(Generic[T]):
    """One stretch of the work, done in whatever thread runs it."""

    def __init__(
        self, work: Callable[[Context, slice], T], ctx: Context, stretch: slice, errors: Any
    ) -> None:
        self._work, self._ctx, self._stretch, self._errors = work, ctx, stretch, errors
        self._done = threading.Lock()
        self._done.acquire()
        self._result: T
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work under the alarms of the thread that shares it."""
        _here.lane = True
        try:
            with np.errstate(**self._errors):
                self._result = self._work(self._ctx, self._stretch)
        except BaseException as error:  # noqa: BLE001 - it is raised where the work was shared
            self._error = error
        finally:
            _here.lane = False
            self._done.release()

    def wait(self) -> None:
        """Wait until it has run."""
        self._done.acquire()

    def result(self) -> T:
        """Return what the work returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._result


class _Threads:
    """Threads that wait for lanes as long as the process lives; as many as were ever needed at once.

    They are daemons: a thread that trains may go on after the main thread has ended.
    """

    def __init__(self) -> None:
        from queue import SimpleQueue  # noqa: PLC0415 - few need it

        self._lanes: SimpleQueue[_Lane[Any]] = SimpleQueue()
        self._count = 0
        self._starting = threading.Lock()

    def take(self, lanes: list[_Lane[T]]) -> None:
        """Run lanes, each in a thread."""
        with self._starting:
            while self._count < len(lanes):
                threading.Thread(target=self._run, name="mlpk-worker", daemon=True).start()
                self._count += 1
        for lane in lanes:
            self._lanes.put(lane)

    def _run(self) -> None:
        while True:
            self._lanes.get().run()


@cache
def _threads() -> _Threads:
    """Return the threads of this process, made when they are first needed."""
    return _Threads()


class _Here(threading.local):
    """What this thread is at: a lane, and what keeps BLAS from disturbing it."""

    def __init__(self) -> None:
        self.lane = False
        self.turn = _Undisturbed()


_here = _Here()
if hasattr(os, "register_at_fork"):  # not on Windows; a fork has none of its parent's threads
    os.register_at_fork(after_in_child=_threads.cache_clear)

"""Whose turn it is to make a catalog: one thread at a time, and those that it starts belong to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

__all__ = ["Turn"]


class Turn:
    """A lock for which the threads that its holder starts do not wait.

    The holder imports plugins. One of them may start threads and join them: if those waited for
    the turn, none of them would ever go on. So they count as the holder, and are told by `mine`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own: WeakSet[threading.Thread] = WeakSet()

    @property
    def mine(self) -> bool:
        """Whether this thread holds the turn, or was started by one that does."""
        return threading.current_thread() in self._own

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn and hold it; for a thread whose turn it is not yet."""
        with self._lock:
            self._own.add(threading.current_thread())
            try:
                with self._adopting():
                    yield
            finally:
                self._own = WeakSet()

    @contextmanager
    def _adopting(self) -> Iterator[None]:
        """See every thread that is started: Python itself does not say who started one."""
        start = threading.Thread.start

        def adopt(thread: threading.Thread) -> None:
            if self.mine:
                self._own.add(thread)
            start(thread)

        threading.Thread.start = adopt  # type: ignore[method-assign, assignment] # for a while
        try:
            yield
        finally:
            # Who has wrapped it since then calls ours, which now does nothing more.
            if threading.Thread.start is adopt:
                threading.Thread.start = start  # type: ignore[method-assign] # as it was

"""Ctrl-C in training: it waits for the end of a step, so that no step is done by half."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Interrupts"]


class Interrupts:
    """Within it, an interrupt that comes in a `whole` block is passed on after that block.

    A second one in the same block is passed on at once. What an interrupt does is decided by
    whoever handled it before; as a rule it raises `KeyboardInterrupt`. Outside the main thread,
    where none arrives, and where the system handles it, nothing is changed.
    """

    def __init__(self) -> None:
        self._handler: Callable[[int, FrameType | None], Any] | None = None
        self._in_block = False
        self._waiting: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> Self:
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler) and threading.current_thread() is threading.main_thread():
            self._handler = handler
            signal.signal(signal.SIGINT, self._caught)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handler is not None and signal.getsignal(signal.SIGINT) == self._caught:
            signal.signal(signal.SIGINT, self._handler)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let the block end before an interrupt takes effect."""
        self._in_block = True
        try:
            yield
        finally:
            self._in_block = False
            waiting, self._waiting = self._waiting, None
        if waiting is not None and self._handler is not None:
            self._handler(*waiting)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if self._in_block and self._waiting is None:
            self._waiting = (number, frame)
        elif self._handler is not None:
            self._handler(number, frame)

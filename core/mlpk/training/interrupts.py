"""Ctrl-C in training: it waits for the end of a step, so that no step is done by half."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

__all__ = ["Interrupts"]


class Interrupts:
    """Within it, an interrupt that comes in a `whole` block is passed on after that block.

    A second one in the same block is passed on at once. What an interrupt does is decided by
    whoever handled it before; as a rule it raises `KeyboardInterrupt`. Outside the main thread,
    where none arrives, and where the system handles it, nothing is changed.
    """

    def __init__(self) -> None:
        self._block = _Block()

    def __enter__(self) -> Self:
        import signal  # noqa: PLC0415 - `import mlpk` would take its time too

        handler = signal.getsignal(signal.SIGINT)
        if callable(handler) and threading.current_thread() is threading.main_thread():
            self._block.handler = handler
            signal.signal(signal.SIGINT, self._block.caught)
        return self

    def __exit__(self, *_: object) -> None:
        import signal  # noqa: PLC0415 - likewise

        handler = self._block.handler
        if handler is not None and signal.getsignal(signal.SIGINT) == self._block.caught:
            signal.signal(signal.SIGINT, handler)

    def whole(self) -> _Block:
        """Let the block end before an interrupt takes effect."""
        return self._block


class _Block:
    """Where an interrupt waits; a class, as a generator would take longer than a small step."""

    def __init__(self) -> None:
        self.handler: Callable[[int, FrameType | None], Any] | None = None
        self._inside = False
        self._waiting: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> None:
        self._inside = True

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._inside = False
        if self._waiting is None:
            return
        waiting, self._waiting = self._waiting, None
        if kind is None and self.handler is not None:
            self.handler(*waiting)

    def caught(self, number: int, frame: FrameType | None) -> None:
        """Keep the first interrupt of a block, and pass on any other."""
        if self._inside and self._waiting is None:
            self._waiting = (number, frame)
        elif self.handler is not None:
            self.handler(number, frame)

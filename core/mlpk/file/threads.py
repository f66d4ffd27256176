"""Threads that work beside the one which reads or writes a file, for as long as that takes.

Those of `concurrent.futures` share locks of Python with the thread that hands work to them. Ctrl-C may
come when it has just taken one, and then all wait for each other. Here queues alone lie in between.
"""

from __future__ import annotations

from _thread import start_new_thread
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, NoReturn, Self, TypeVar

__all__ = ["Task", "Threads"]

T = TypeVar("T")


class Task(Generic[T]):
    """Work that was handed over, and what comes of it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done: SimpleQueue[Callable[[], T]] = SimpleQueue()

    def run(self) -> None:
        """Do the work."""
        try:
            value = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._done.put(_raiser(error))
        else:
            self._done.put(lambda: value)

    def result(self) -> T:
        """Wait for it, and return what the work returned, or raise what it raised. Once."""
        return self._done.get()()


class Threads:
    """At most `count` threads; where none can be started, work is done where it is handed over."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._started = 0
        self._tasks: SimpleQueue[Task[Any] | None] = SimpleQueue()
        self._ended: SimpleQueue[None] = SimpleQueue()

    def __enter__(self) -> Self:
        try:
            while self._started < self._count:
                start_new_thread(self._work, ())
                self._started += 1
        except RuntimeError:  # the system, or a program that ends, gives no more
            pass
        return self

    def __exit__(self, *why: object) -> None:
        """Wait until all is done that was begun; what was not is dropped."""
        while not self._tasks.empty():
            self._tasks.get()
        for _ in range(self._started):
            self._tasks.put(None)
        for _ in range(self._started):
            self._ended.get()

    def begin(self, work: Callable[[], T]) -> Task[T]:
        """Hand work over."""
        task = Task(work)
        if self._started:
            self._tasks.put(task)
        else:
            task.run()
        return task

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task.run()
        self._ended.put(None)


def _raiser(error: BaseException) -> Callable[[], NoReturn]:
    def raise_error() -> NoReturn:
        raise error

    return raise_error

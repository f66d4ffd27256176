"""Threads beside the one that reads or writes: results, failures, what is dropped, Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from mlpk.file import threads
from mlpk.file.blocks import THREADED, run
from mlpk.file.threads import Threads


def test_results_come_in_order_from_several_threads() -> None:
    met = threading.Barrier(2, timeout=30)

    def work(number: int) -> int:
        met.wait()  # no thread alone comes past this
        return number * number

    with Threads(2) as two:
        tasks = [two.begin(lambda number=number: work(number)) for number in range(6)]
        assert [task.result() for task in tasks] == [0, 1, 4, 9, 16, 25]


def test_what_fails_raises_where_the_result_is_asked_for() -> None:
    with Threads(1) as one:
        failing, other = one.begin(lambda: 1 // 0), one.begin(lambda: 7)
        assert other.result() == 7
        with pytest.raises(ZeroDivisionError):
            failing.result()


def test_the_end_waits_for_what_was_begun_and_drops_the_rest() -> None:
    begun: SimpleQueue[None] = SimpleQueue()
    go_on: SimpleQueue[None] = SimpleQueue()
    done = []

    def work() -> None:
        begun.put(None)
        go_on.get()
        done.append("begun")

    with Threads(1) as one:
        one.begin(work)
        begun.get(timeout=30)
        one.begin(lambda: done.append("waiting"))
        threading.Timer(0.05, go_on.put, [None]).start()
    assert done == ["begun"]


def test_without_threads_work_is_done_where_it_is_handed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "start_new_thread", refuse)
    jobs = [threading.get_ident] * 5
    assert list(run(jobs, THREADED)) == [threading.get_ident()] * 5


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_an_interruption_at_any_moment_ends_it() -> None:
    ended = 0
    for number in range(200):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.00002 * number + 1e-6)
            for _ in run([lambda: os.urandom(1000)] * 40, THREADED):
                pass
            time.sleep(1)  # cut short, unless the alarm has come by now
        except KeyboardInterrupt:
            ended += 1
    assert ended == 200


@pytest.fixture(autouse=True)
def alarm_as_interruption() -> Iterator[None]:
    """Have the alarm do what Ctrl-C does."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGALRM, before)

"""Threads stand by while there is work, sleep while there is none, and stay away where others want cores."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from mlpk import blas
from mlpk.testing.threads import together

pytest.importorskip("numba")

from mlpk_numba import board, sharing
from mlpk_numba import crew as crews


def test_who_finds_nothing_to_do_falls_asleep_and_is_woken(threads, parts_of, started, until):
    crew = threads(2)
    for _ in range(3):
        parts_of(100, 2**30)
        until(lambda: len(crew._asleep) == 1)
    assert len(started(crew)) == 1


def test_no_more_are_called_than_there_are_parts(threads, parts_of, started):
    crew = threads(64)
    assert len(parts_of(100, 3 * sharing.LEAST)) == 3
    assert len(started(crew)) == 2


def test_a_crew_that_waits_for_cores_is_left_alone_for_a_while(threads, monkeypatch, until):
    monkeypatch.setattr(crews, "REST", (30.0, 60.0))
    monkeypatch.setattr(crews, "_waiting", lambda: time.perf_counter)  # it never has one
    crew = threads(2)
    for _ in range(2):
        assert crew.call(1) is crew.board
        until(lambda: crew._asleep)
    assert crew.call(1) is board.NOBODYS
    crew._rest_until = time.perf_counter() - 1  # the rest is over
    assert crew.call(1) is crew.board


def test_a_thread_stays_as_long_though_it_waited_for_its_core_at_first(monkeypatch):
    lend_a_hand, late = crews.lend_a_hand, iter([0.05] * (crews.TRIALS // 2))

    def lend(there, *how):
        if there is board.NOBODYS:
            time.sleep(next(late, 0))
        return lend_a_hand(there, *how)  # for threads of other tests too

    monkeypatch.setattr(crews, "lend_a_hand", lend)
    assert crews._turns(crews.STAY) > crews.TRIAL * crews.STAY / 0.02


def test_a_thread_knows_for_how_long_it_waited_for_a_core():
    """Two of its kind on one core: each waits while the other runs."""
    if not Path("/proc/thread-self/schedstat").exists():
        pytest.skip("this system does not tell")
    core = min(os.sched_getaffinity(0))

    def spin():
        os.sched_setaffinity(0, {core})
        waited = crews._waiting()
        before, begun = waited(), time.perf_counter()
        while time.perf_counter() - begun < 0.3:
            np.ones(100_000).sum()  # gives up Python's lock
        return waited() - before

    assert sum(together([spin, spin])) > 0.1


def test_where_no_thread_can_be_started_one_does_it_all(threads, monkeypatch, parts_of, started):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    crew = threads(2)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert len(parts_of(100, 2**30)) == 8
    monkeypatch.undo()
    crew.call(1)
    assert len(started(crew)) == 1


INTERRUPTED = """
import signal, threading, time
import numpy as np
from mlpk import blas
from mlpk_numba import board, crew, matrices, sharing

blas.threads = lambda: 2
a, b = np.ones((300, 200), np.float32), np.ones((200, 100), np.float32)
out = np.empty((300, 100), np.float32)
matrices.multiply(a, b, out)
ended = time.monotonic() + 3
hits = 0
while time.monotonic() < ended:
    out.fill(0)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0001)
        while True:
            matrices.multiply(a, b, out)
    except KeyboardInterrupt:
        hits += 1
    matrices.multiply(a, b, out)
    assert (out == 200).all()
assert hits > 100, hits
made = crew.crew()
assert made.board[board.TAKEN] == 0
for _ in range(2000):  # somebody comes, whoever was woken or started when it was interrupted
    matrices.multiply(a, b, out)
    if made.board[board.STATE] % board.OPEN == 1:
        break
    time.sleep(0.001)
else:
    raise AssertionError("nobody joins any more")
print("ok")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers here")
def test_ctrl_c_leaves_the_board_to_others_and_nobody_asleep_for_good(run):
    alarm = "import signal\nsignal.signal(signal.SIGALRM, signal.default_int_handler)\n"
    assert run(alarm + INTERRUPTED) == "ok"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_has_a_crew_of_its_own(monkeypatch, parts_of, started):
    monkeypatch.setattr(blas, "threads", lambda: 2)
    parts_of(100, 2**30)
    child = os.fork()
    if not child:
        try:
            done = len(parts_of(100, 2**30)) == 8 and len(started(crews.crew())) == 1
        except BaseException:  # noqa: BLE001 - the parent is told by the status
            done = False
        os._exit(0 if done else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

"""Kernels are done whole, once, by whoever is there; and threads are left alone that others need."""

import os
import signal
import threading
import time
from pathlib import Path

import mlpk
import numpy as np
import pytest
from mlpk import blas, workers
from mlpk.testing.threads import together

pytest.importorskip("numba")

from mlpk_numba import board, matrices, sharing
from mlpk_numba import crew as crews
from mlpk_numba.compiled import shared


@shared
def count_up(first, stop, times, ends):
    """Count how often each number was done, and note where parts end."""
    for k in range(first, stop):
        times[k] += 1
    ends[first] = stop


@shared
def double(first, stop, x, y):
    for k in range(first, stop):
        y[k] = 2 * x[k]


@shared
def take_memory(first, stop, size, x):
    held = np.empty(size)
    x[first:stop] = held[:1]


@pytest.fixture
def threads(monkeypatch):
    """Return a function that makes BLAS seem to have so many threads, and the crew a new one."""

    def have(count):
        monkeypatch.setattr(blas, "threads", lambda: count)
        crew = crews.Crew()
        monkeypatch.setattr(sharing, "crew", lambda: crew)
        return crew

    return have


def parts_of(count, work, **how):
    """Return the parts that a kernel was done in, in their order."""
    times, ends = np.zeros(count, np.int64), np.zeros(count, np.int64)
    sharing.share_out(count_up, count, work, times, ends, **how)
    np.testing.assert_array_equal(times, 1)
    return [(int(first), int(ends[first])) for first in np.flatnonzero(ends)]


def until(holds, seconds=20.0):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("number", "count", "each", "wanted"),
    [(2, 100, 4, 8), (3, 100, 1, 3), (2, 5, 4, 5), (2, 2, 1, 2), (1, 100, 4, 1)],
)
def test_each_number_is_done_once_in_so_many_parts(threads, number, count, each, wanted):
    threads(number)
    parts = parts_of(count, 2**30, each=each)
    assert len(parts) == wanted
    assert [stop for _, stop in parts] == [*(first for first, _ in parts[1:]), count]
    sizes = [stop - first for first, stop in parts]
    assert max(sizes) - min(sizes) <= 1


def test_nothing_small_is_shared(threads):
    crew = threads(2)
    assert parts_of(1000, 2 * sharing.LEAST - 1) == [(0, 1000)]
    assert not any(thread.name == "mlpk-numba" for thread in started(crew))
    assert len(parts_of(1000, 2 * sharing.LEAST)) == 2


def started(crew):
    """Return the threads that a crew has started."""
    return [t for t in threading.enumerate() if getattr(t, "_target", None) == crew._stand_by]


def test_others_take_part(threads, monkeypatch):
    monkeypatch.setattr(
        crews, "_waiting", lambda: lambda: 0.0
    )  # they stay, busy as the cores may be
    crew = threads(3)
    x = np.arange(3 * 2**20, dtype=np.float64)
    y = np.empty_like(x)
    until(lambda: sharing.share_out(double, x.size, 2**30, x, y) or joined(crew) == 2)
    np.testing.assert_array_equal(y, 2 * x)
    assert len(started(crew)) == 2


def joined(crew):
    """Return how many threads have joined the last kernel."""
    return crew.board[board.STATE] % board.OPEN


@pytest.mark.parametrize(("m", "k", "n", "dtype"), [(700, 300, 90, "f4"), (130, 1000, 999, "f8")])
def test_the_bits_are_the_same_whether_others_are_there_or_not(threads, m, k, n, dtype):
    """BLAS rounds by the size of its matrices: who is alone does the same parts."""
    crew = threads(2)
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape).astype(dtype) for shape in ((m, k), (k, n)))
    among_two, alone = np.empty((m, n), dtype), np.empty((m, n), dtype)
    matrices.multiply(a, b, among_two)
    crew.board[board.TAKEN] = 1
    matrices.multiply(a, b, alone)
    np.testing.assert_array_equal(alone, among_two)
    np.testing.assert_allclose(alone, np.float64(a) @ b, rtol=0, atol=1e-4)


def test_a_stretch_of_shared_work_shares_nothing_itself(threads):
    threads(2)
    found = workers.share(mlpk.Context("float32"), 2, 1, lambda *_: parts_of(100, 2**30))
    assert found == [[(0, 100)]] * 2


def test_threads_that_share_at_once_do_not_meet(threads):
    """One of them has the crew, the others do all of theirs."""
    threads(2)

    def work(seed):
        x = np.random.default_rng(seed).standard_normal(10_000)
        for _ in range(300):
            y = np.zeros_like(x)
            sharing.share_out(double, x.size, 2**30, x, y)
            np.testing.assert_array_equal(y, 2 * x)
        return True

    assert together([lambda seed=seed: work(seed) for seed in range(4)]) == [True] * 4


def test_who_finds_nothing_to_do_falls_asleep_and_is_woken(threads):
    crew = threads(2)
    for _ in range(3):
        parts_of(100, 2**30)
        until(lambda: len(crew._asleep) == 1)
    assert len(started(crew)) == 1


def test_no_more_are_called_than_there_are_parts(threads):
    crew = threads(64)
    assert len(parts_of(100, 3 * sharing.LEAST)) == 3
    assert len(started(crew)) == 2


def test_a_crew_that_waits_for_cores_is_left_alone_for_a_while(threads, monkeypatch):
    monkeypatch.setattr(crews, "REST", (30.0, 60.0))
    monkeypatch.setattr(crews, "_waiting", lambda: time.perf_counter)  # it never has one
    crew = threads(2)
    for _ in range(2):
        assert crew.call(1) is crew.board
        until(lambda: crew._asleep)
    assert crew.call(1) is board.NOBODYS
    crew._rest_until = time.perf_counter() - 1  # the rest is over
    assert crew.call(1) is crew.board


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


@pytest.mark.parametrize("number", [1, 2])
def test_a_kernel_without_memory_says_so_and_the_next_one_works(threads, number):
    threads(number)
    x = np.zeros(100)
    with pytest.raises(MemoryError, match="a compiled function found no memory"):
        sharing.share_out(take_memory, 100, 2**30, 2**56, x)
    sharing.share_out(take_memory, 100, 2**30, 1, x)
    assert len(parts_of(100, 2**30)) == (8 if number == 2 else 1)


def test_memory_that_is_missing_is_told_to_who_missed_it(threads):
    """Two threads share kernels out at once, and those of one fail."""
    threads(2)
    x = np.zeros(1000)

    def fail():
        for _ in range(500):
            with pytest.raises(MemoryError):
                sharing.share_out(take_memory, 1000, 2**30, 2**56, x)

    def work():
        for _ in range(500):
            parts_of(1000, 2**30)

    together([fail, work])


def test_where_no_thread_can_be_started_one_does_it_all(threads, monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    crew = threads(2)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert len(parts_of(100, 2**30)) == 8
    monkeypatch.undo()
    crew.call(1)
    assert len(started(crew)) == 1


def test_a_kernel_with_a_closure_is_refused():
    """Kernels are told apart by their code, which all that a function makes have in common."""

    def times(factor):
        def kernel(first, stop, x):
            x[first:stop] *= factor

        return kernel

    with pytest.raises(TypeError, match="numba would keep one"):
        shared(times(2))


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
def test_a_fork_has_a_crew_of_its_own(monkeypatch):
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

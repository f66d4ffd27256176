"""Work is shared among threads in stretches that depend on nothing but their number."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from time import sleep

import numpy as np
import pytest

from mlpk import Context, blas, workers
from mlpk.workers import in_lane, share, single, undisturbed


def stretches(count: int, least: int) -> list[tuple[int, int]]:
    return share(Context("float32"), count, least, lambda _, part: (part.start, part.stop))


def test_one_thread_does_all_of_it_itself() -> None:
    ctx = Context("float32")
    done = share(ctx, 7, 4, lambda inner, part: (inner is ctx, part, threading.current_thread()))
    assert done == [(True, slice(0, 7), threading.current_thread())]


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize(
    ("count", "least", "wanted"),
    [
        (9, 1, [(0, 3), (3, 6), (6, 9)]),
        (10, 1, [(0, 3), (3, 6), (6, 10)]),
        (10, 5, [(0, 5), (5, 10)]),
        (10, 6, [(0, 10)]),
        (2, 1, [(0, 1), (1, 2)]),
        (0, 1, [(0, 0)]),
        (4, 0, [(0, 1), (1, 2), (2, 4)]),
    ],
)
def test_there_are_as_many_stretches_as_threads_if_they_are_long_enough(
    count: int, least: int, wanted: list[tuple[int, int]]
) -> None:
    assert stretches(count, least) == wanted


@pytest.mark.usefixtures("three_threads")
def test_stretches_run_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=10)
    done = share(Context("float32"), 3, 1, lambda _, part: (together.wait(), part.start)[1])
    assert done == [0, 1, 2]


@pytest.mark.usefixtures("three_threads")
def test_a_stretch_knows_that_it_is_one() -> None:
    assert not in_lane()
    assert share(Context("float32"), 3, 1, lambda *_: in_lane()) == [True] * 3
    with pytest.raises(ZeroDivisionError):
        share(Context("float32"), 3, 1, lambda *_: 1 // 0)
    assert not in_lane()


@pytest.mark.parametrize(("threads", "alone"), [(1, True), (3, False)])
def test_where_blas_has_one_thread_products_take_one(
    monkeypatch: pytest.MonkeyPatch, threads: int, alone: bool
) -> None:
    monkeypatch.setattr(blas, "threads", lambda: threads)
    assert single() is alone


@pytest.mark.usefixtures("three_threads")
def test_products_take_one_thread_where_work_is_shared_and_until_its_turn_ends() -> None:
    with undisturbed() as turn:
        assert not single()
        assert share(Context("float32"), 3, 1, lambda *_: single()) == [True, True, True]
        assert single()
    assert not single()
    with turn:
        turn.hold()
        elsewhere: list[bool] = []
        thread = threading.Thread(target=lambda: elsewhere.append(single()))
        thread.start()
        thread.join()
        assert (single(), elsewhere) == (True, [False])


@pytest.mark.usefixtures("three_threads")
def test_matrix_products_take_one_thread_meanwhile() -> None:
    openblas = blas._openblas()
    assert openblas is not None
    assert share(Context("float32"), 3, 1, lambda *_: openblas.get()) == [1, 1, 1]
    assert openblas.get() == 3


@pytest.mark.usefixtures("three_threads")
def test_undisturbed_work_keeps_blas_in_one_thread_from_the_first_share_on() -> None:
    openblas = blas._openblas()
    assert openblas is not None
    with undisturbed():
        assert openblas.get() == 3
        with undisturbed():
            assert stretches(3, 1) == [(0, 1), (1, 2), (2, 3)]
        assert openblas.get() == 1
        assert stretches(3, 1) == [(0, 1), (1, 2), (2, 3)]
        assert openblas.get() == 1
    assert openblas.get() == 3


@pytest.mark.usefixtures("three_threads")
def test_an_error_lets_go_of_blas() -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), undisturbed():
        share(Context("float32"), 3, 1, fail)
    assert stretches(3, 1) == [(0, 1), (1, 2), (2, 3)]
    openblas = blas._openblas()
    assert openblas is not None
    assert openblas.get() == 3


@pytest.mark.usefixtures("three_threads")
def test_each_stretch_has_memory_of_its_own_which_stays() -> None:
    ctx = Context("float32")

    def memory(inner: Context, _: slice) -> int:
        return int(inner.empty("a", (5,)).__array_interface__["data"][0])

    first = share(ctx, 3, 1, memory)
    assert len(set(first)) == 3
    assert share(ctx, 3, 1, memory) == first
    assert first[0] == memory(ctx, slice(0))


@pytest.mark.usefixtures("three_threads")
def test_what_is_shared_inside_of_a_stretch_stays_there() -> None:
    ctx = Context("float32")

    def outer(inner: Context, _: slice) -> bool:
        here = threading.current_thread()
        (again,) = share(inner, 9, 1, lambda _inner, whole: (whole, threading.current_thread()))
        return again == (slice(0, 9), here)

    assert share(ctx, 3, 1, outer) == [True] * 3
    assert len(share(ctx, 3, 1, lambda *_: None)) == 3  # and it is over


@pytest.mark.usefixtures("three_threads")
def test_alarms_are_those_of_the_thread_that_shares() -> None:
    with np.errstate(over="raise", divide="ignore"):
        found = share(Context("float32"), 3, 1, lambda *_: np.geterr())
    assert [each["over"] for each in found] == ["raise"] * 3
    assert [each["divide"] for each in found] == ["ignore"] * 3


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("failing", [0, 2])
def test_an_error_is_raised_once_all_are_done(failing: int) -> None:
    done = []

    def work(_: Context, part: slice) -> None:
        if part.start == failing:
            raise KeyError(part.start)
        sleep(0.01)
        done.append(part.start)

    with pytest.raises(KeyError, match=str(failing)):
        share(Context("float32"), 3, 1, work)
    assert sorted(done) == sorted({0, 1, 2} - {failing})
    assert stretches(3, 1) == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.usefixtures("three_threads")
def test_several_threads_may_share_at_once() -> None:
    found: dict[int, list[int]] = {}

    def sums(seed: int) -> None:
        ctx, x = Context("int64"), np.arange(30) + seed

        def work(inner: Context, part: slice) -> int:
            held = inner.empty("part", x[part].shape)
            np.copyto(held, x[part])
            sleep(0.001)
            return int(held.sum())

        found[seed] = [sum(share(ctx, 30, 1, work)) for _ in range(20)]

    runners = [threading.Thread(target=sums, args=(seed,)) for seed in range(4)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert found == {seed: [435 + 30 * seed] * 20 for seed in range(4)}
    assert blas.threads() == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.usefixtures("three_threads")
def test_a_fork_has_threads_of_its_own() -> None:
    code = (
        "import os\n"
        "from mlpk import Context, blas\n"
        "from mlpk.workers import share\n"
        "blas._openblas().set(3)\n"
        "def shared(): return share(Context('f4'), 3, 1, lambda _, part: part.start)\n"
        "assert shared() == [0, 1, 2]\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    blas._openblas().set(3)\n"
        "    os._exit(7 if shared() == [0, 1, 2] else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == "7"


@pytest.mark.usefixtures("three_threads")
def test_threads_that_wait_hold_nobody_up() -> None:
    """A process ends with its main thread, and one that goes on may still share."""
    code = (
        "import threading, time\n"
        "from mlpk import Context, blas\n"
        "from mlpk.workers import share\n"
        "blas._openblas().set(3)\n"
        "def late():\n"
        "    threading.main_thread().join()\n"
        "    print(share(Context('f4'), 3, 1, lambda _, part: part.start))\n"
        "threading.Thread(target=late).start()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[0, 1, 2]"


@pytest.mark.usefixtures("three_threads")
def test_a_thread_that_cannot_start_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    workers._threads.cache_clear()

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with pytest.raises(RuntimeError, match="can't start"):
        stretches(9, 1)
    monkeypatch.undo()
    monkeypatch.setattr(blas, "threads", lambda: 3)
    assert stretches(9, 1) == [(0, 3), (3, 6), (6, 9)]

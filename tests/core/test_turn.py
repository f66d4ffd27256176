from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlpk.turn import Turn


def test_one_thread_has_it_at_a_time() -> None:
    turn = Turn()
    inside: list[int] = []
    most: list[int] = []
    start = threading.Barrier(6)

    def take() -> None:
        start.wait()
        with turn.taken():
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 6


def test_the_threads_of_its_holder_have_it_too_for_as_long() -> None:
    turn = Turn()
    assert not turn.mine
    go, seen = threading.Event(), []

    def look() -> None:
        seen.append(turn.mine)
        go.wait()
        seen.append(turn.mine)

    with turn.taken():
        assert turn.mine
        own = threading.Thread(target=look)
        own.start()
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(lambda _: turn.mine, range(4))) == [True] * 4
    assert not turn.mine
    go.set()
    own.join()
    assert seen == [True, False]


def test_other_people_s_threads_do_not_have_it() -> None:
    turn, held, started = Turn(), threading.Event(), threading.Event()
    seen: list[bool] = []

    def look() -> None:
        seen.append(turn.mine)

    def start_another() -> None:
        held.wait()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        started.set()

    stranger = threading.Thread(target=start_another)
    stranger.start()
    with turn.taken():
        held.set()
        started.wait()
    stranger.join()
    assert seen == [False]


def test_threads_start_afterwards_as_they_did_before() -> None:
    turn, start = Turn(), threading.Thread.start
    with turn.taken():
        assert threading.Thread.start is not start
    assert threading.Thread.start is start
    with pytest.raises(KeyError), turn.taken():
        raise KeyError
    assert threading.Thread.start is start
    assert not turn.mine


def test_who_wraps_the_start_of_threads_meanwhile_keeps_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)  # put back in the end
    turn, counted = Turn(), []

    with turn.taken():
        inner = threading.Thread.start

        def count(thread: threading.Thread) -> None:
            counted.append(thread)
            inner(thread)

        threading.Thread.start = count  # type: ignore[method-assign] # as a tracer would
    assert threading.Thread.start is count
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(turn.mine))
    thread.start()
    thread.join()
    assert counted == [thread]
    assert seen == [False]

"""Kernels are done whole, and once, by whoever is there."""

import mlpk
import numpy as np
import pytest
from mlpk import workers
from mlpk.testing.threads import together

pytest.importorskip("numba")

from mlpk_numba import board, sharing
from mlpk_numba import crew as crews
from mlpk_numba.kernel import shared


@shared
def double(first, stop, x, y):
    for k in range(first, stop):
        y[k] = 2 * x[k]


@pytest.mark.parametrize(
    ("number", "count", "each", "wanted"),
    [(2, 100, 4, 8), (3, 100, 1, 3), (2, 5, 4, 5), (2, 2, 1, 2), (1, 100, 4, 1)],
)
def test_each_number_is_done_once_in_so_many_parts(threads, number, count, each, wanted, parts_of):
    threads(number)
    parts = parts_of(count, 2**30, each=each)
    assert len(parts) == wanted
    assert [stop for _, stop in parts] == [*(first for first, _ in parts[1:]), count]
    sizes = [stop - first for first, stop in parts]
    assert max(sizes) - min(sizes) <= 1


def test_nothing_small_is_shared(threads, parts_of, started):
    crew = threads(2)
    assert parts_of(1000, 2 * sharing.LEAST - 1) == [(0, 1000)]
    assert not started(crew)
    assert len(parts_of(1000, 2 * sharing.LEAST)) == 2


def test_others_take_part(threads, monkeypatch, started, until):
    # They stay, busy as the cores may be.
    monkeypatch.setattr(crews, "_waiting", lambda: lambda: 0.0)
    crew = threads(3)
    x = np.arange(3 * 2**20, dtype=np.float64)
    y = np.empty_like(x)
    until(lambda: sharing.share_out(double, x.size, 2**30, x, y) or joined(crew) == 2)
    np.testing.assert_array_equal(y, 2 * x)
    assert len(started(crew)) == 2


def joined(crew):
    """Return how many threads have joined the last kernel."""
    return crew.board[board.STATE] % board.OPEN


def test_a_stretch_of_shared_work_shares_nothing_itself(threads, parts_of):
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

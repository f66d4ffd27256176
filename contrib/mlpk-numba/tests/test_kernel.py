"""Kernels that find no memory say so to who shared them out, and none gets the code of another."""

import numpy as np
import pytest
from mlpk.testing.threads import together

pytest.importorskip("numba")

from mlpk_numba.kernel import shared
from mlpk_numba.sharing import share_out


@shared
def take_memory(first, stop, size, x):
    held = np.empty(size)
    x[first:stop] = held[:1]


@pytest.mark.parametrize("number", [1, 2])
def test_a_kernel_without_memory_says_so_and_the_next_one_works(threads, number, parts_of):
    threads(number)
    x = np.zeros(100)
    with pytest.raises(MemoryError, match="a compiled function found no memory"):
        share_out(take_memory, 100, 2**30, 2**56, x)
    share_out(take_memory, 100, 2**30, 1, x)
    assert len(parts_of(100, 2**30)) == (8 if number == 2 else 1)


def test_memory_that_is_missing_is_told_to_who_missed_it(threads, parts_of):
    """Two threads share kernels out at once, and those of one fail."""
    threads(2)
    x = np.zeros(1000)

    def fail():
        for _ in range(500):
            with pytest.raises(MemoryError):
                share_out(take_memory, 1000, 2**30, 2**56, x)

    def work():
        for _ in range(500):
            parts_of(1000, 2**30)

    together([fail, work])


def test_a_kernel_with_a_closure_is_refused():
    """Kernels are told apart by their code, which all that a function makes have in common."""

    def times(factor):
        def kernel(first, stop, x):
            x[first:stop] *= factor

        return kernel

    with pytest.raises(TypeError, match="numba would keep one"):
        shared(times(2))

"""What all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

# The products here are small: BLAS threads would wait for each other longer than they compute.
# It has to be said before NumPy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the folder with pyproject.toml."""
    return Path(__file__).parents[1]


@pytest.fixture
def run(tmp_path) -> Callable[..., str]:
    """Return a function that runs a program in a process of its own and returns what it prints."""

    def run_program(code: str, **variables: str) -> str:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("MLPK_")}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**kept, **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.strip()

    return run_program


@pytest.fixture
def threads(monkeypatch):
    """Return a function that makes BLAS seem to have so many threads, and the crew a new one."""
    from mlpk import blas

    from mlpk_numba import crew, sharing

    def have(count):
        monkeypatch.setattr(blas, "threads", lambda: count)
        made = crew.Crew()
        monkeypatch.setattr(sharing, "crew", lambda: made)
        return made

    return have


@pytest.fixture(scope="session")
def parts_of():
    """Return a function that has each of `count` numbers done once, and returns the parts in order."""
    from mlpk_numba.kernel import shared
    from mlpk_numba.sharing import share_out

    @shared
    def count_up(first, stop, times, ends):
        for k in range(first, stop):
            times[k] += 1
        ends[first] = stop

    def parts(count, work, **how):
        times, ends = np.zeros(count, np.int64), np.zeros(count, np.int64)
        share_out(count_up, count, work, times, ends, **how)
        np.testing.assert_array_equal(times, 1)
        return [(int(first), int(ends[first])) for first in np.flatnonzero(ends)]

    return parts


@pytest.fixture(scope="session")
def started():
    """Return a function that returns the threads which a crew has started."""

    def of(crew):
        return [t for t in threading.enumerate() if getattr(t, "_target", None) == crew._stand_by]

    return of


@pytest.fixture(scope="session")
def until():
    """Return a function that waits until something holds."""

    def wait(holds, seconds=20.0):
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.001)

    return wait

"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# The products here are small: BLAS threads would wait for each other longer than they compute,
# above all on a busy machine. It has to be said before NumPy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# A shell without job control starts what runs in the background with Ctrl-C ignored, and some tests,
# and programs that they start, are interrupted.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# The tests are of mlpk's own functions, also where a plugin with faster ones is installed.
os.environ.setdefault("MLPK_IMPLEMENTATION", "numpy")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the project's root."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of MLPK_DATA, or skip where it is not set."""
    if not os.environ.get("MLPK_DATA"):
        pytest.skip("MLPK_DATA is not set: it names a folder with MNIST and CIFAR-10")
    return Path(os.environ["MLPK_DATA"])


@pytest.fixture
def three_threads() -> Iterator[None]:
    """Let NumPy's matrix products, and what else is shared among threads, take three of them."""
    from mlpk import blas

    openblas = blas._openblas()
    if openblas is None:
        pytest.skip("this NumPy multiplies matrices with another library than OpenBLAS")
    held = openblas.get()
    openblas.set(3)
    yield
    openblas.set(held)

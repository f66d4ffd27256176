"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The products here are small: BLAS threads would wait for each other longer than they compute,
# above all on a busy machine. It has to be said before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


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

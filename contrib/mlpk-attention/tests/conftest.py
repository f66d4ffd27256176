"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The products here are small: BLAS threads would wait for each other longer than they compute.
# It has to be said before NumPy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"


@pytest.fixture(scope="session")
def project() -> Path:
    """Return the folder with pyproject.toml."""
    return Path(__file__).parents[1]

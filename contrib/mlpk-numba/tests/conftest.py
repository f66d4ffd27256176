"""What all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# The products here are small: BLAS threads would wait for each other longer than they compute.
# It has to be said before NumPy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"


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

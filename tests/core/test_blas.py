"""BLAS is asked for its threads, and held to one as long as somebody wants that."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mlpk import blas

WITHOUT = "this NumPy multiplies matrices with another library than OpenBLAS"


def threads_of(environment: dict[str, str], code: str = "") -> str:
    """Return what a fresh process has to say of its threads."""
    said = f"from mlpk import blas\n{code}\nprint(blas.threads())"
    done = subprocess.run(
        [sys.executable, "-c", said],
        capture_output=True, text=True, check=True, env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout.strip()


def test_the_environment_says_how_many_threads_there_are() -> None:
    if blas._openblas() is None:
        pytest.skip(WITHOUT)
    assert threads_of({"OPENBLAS_NUM_THREADS": "1"}) == "1"
    assert threads_of({"OPENBLAS_NUM_THREADS": "2"}) == str(min(2, os.cpu_count() or 1))


def test_without_openblas_there_is_one_thread() -> None:
    blind = "blas._libraries = lambda: iter(())\nblas.hold()\nblas.let_go()"
    assert threads_of({"OPENBLAS_NUM_THREADS": "2"}, blind) == "1"


@pytest.mark.usefixtures("three_threads")
def test_blas_is_held_until_the_last_holder_lets_go() -> None:
    openblas = blas._openblas()
    assert openblas is not None
    blas.hold()
    assert openblas.get() == 1
    blas.hold()
    assert openblas.get() == 1
    assert blas.threads() == 3
    blas.let_go()
    assert openblas.get() == 1
    blas.let_go()
    assert openblas.get() == 3
    assert blas.threads() == 3

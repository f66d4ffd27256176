"""What holds for the whole process: NumPy's alarms, and the threads of its matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from mlpk import blas

__all__ = ["left_alone"]


@contextmanager
def left_alone() -> Iterator[None]:
    """Assert that the alarms of NumPy and the threads of BLAS are afterwards what they were."""
    threads = blas.threads()
    with np.errstate():  # the alarms of others are theirs again, whatever comes of it
        alarms = np.geterr()
        yield
        found = np.geterr()
    assert found == alarms, (
        f"NumPy's alarms were {alarms}, and are now {found}: change them in `with np.errstate(...)`"
        ", which sets them back"
    )
    assert blas.threads() == threads, (
        f"BLAS had {threads} threads, and has now {blas.threads()}, in the whole process: set back "
        "what it had, in `finally`, or leave it"
    )

"""Alarms: what floating-point arithmetic and NumPy warn of, raised."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

__all__ = ["raised"]


@contextmanager
def raised() -> Iterator[None]:
    """Raise overflow, division by zero, invalid operations and every RuntimeWarning."""
    with warnings.catch_warnings(), np.errstate(over="raise", divide="raise", invalid="raise"):
        warnings.simplefilter("error", RuntimeWarning)
        yield

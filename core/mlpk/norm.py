"""The L2 norm over arrays, also where their squares leave the range of their dtype."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np

from mlpk.alarms import muted
from mlpk.arrays import Array

__all__ = ["norm"]


def norm(*arrays: Array) -> float:
    """Return sqrt(sum x**2) over all elements of all arrays, of any shape."""
    flat = [array.reshape(-1) for array in arrays]
    with muted():
        squares = sum(float(np.dot(each, each)) for each in flat)
    if max((_lost(each) for each in flat), default=0.0) < squares < inf:
        return sqrt(squares)
    # The squares overflowed, or lost their digits, where the norm itself need not.
    peak = max((float(np.abs(each).max()) for each in flat if each.size), default=0.0)
    if not 0 < peak < inf:
        return peak
    return peak * sqrt(sum(float(np.dot(each / peak, each / peak)) for each in flat))


def _lost(array: Array) -> float:
    """Return up to where a sum of squares may lack digits."""
    limits = np.finfo(array.dtype)
    return float(limits.tiny / limits.eps)

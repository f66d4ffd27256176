"""The length of a parameter or a gradient."""

from __future__ import annotations

from math import sqrt

import numpy as np

from mlpk.arrays import Array

__all__ = ["norm"]


def norm(array: Array) -> float:
    """Return the root of the sum of squares over all elements."""
    flat = array.reshape(-1)
    return sqrt(float(np.dot(flat, flat)))

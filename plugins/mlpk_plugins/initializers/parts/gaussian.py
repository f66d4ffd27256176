"""Normal draws of a given variance, plain or cut at two standard deviations."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array

__all__ = ["gaussian"]

CUT = 2.0
# The standard deviation of a standard normal cut at +-2: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
STD_AFTER_CUT = 0.87962566103423978


def gaussian(
    rng: np.random.Generator, shape: tuple[int, ...], std: float, *, truncated: bool
) -> Array:
    """Return values of mean 0 and variance std**2.

    Truncated, the normal that is cut at two of its standard deviations is the wider one whose
    variance after the cut is std**2; so no value lies beyond 2 / 0.8796 = 2.27 times `std`.
    """
    values = rng.standard_normal(shape)
    if truncated:
        while (beyond := np.abs(values) > CUT).any():
            values[beyond] = rng.standard_normal(np.count_nonzero(beyond))
        std /= STD_AFTER_CUT
    values *= std
    return values

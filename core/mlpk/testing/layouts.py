"""The same numbers, lying otherwise in memory, read-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mlpk.arrays import Array

__all__ = ["LAYOUTS", "sealed"]


def sealed(array: Array) -> Array:
    """Return a copy that cannot be written."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _scattered(array: Array) -> Array:
    """Return the numbers in every second place of a longer array."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    return _filled(wide[..., ::2], array)


def _backwards(array: Array) -> Array:
    """Return the numbers with the last of each axis first in memory."""
    back = (slice(None, None, -1),) * array.ndim
    return _filled(np.zeros_like(array)[back], array)


def _turned(array: Array) -> Array:
    """Return the numbers with the first axis innermost, as Fortran lays them."""
    return _filled(np.zeros(array.shape, array.dtype, order="F"), array)


def _filled(view: Array, array: Array) -> Array:
    view[...] = array
    view.flags.writeable = False
    return view


LAYOUTS: Mapping[str, Callable[[Array], Array]] = {
    "scattered": _scattered,
    "backward": _backwards,
    "turned": _turned,
}

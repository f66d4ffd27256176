"""Gradients by central differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlpk.arrays import Array

__all__ = ["STEP", "TOLERANCE", "assert_close", "by_differences", "on_both_sides"]

STEP = 1e-6
# Of central differences in float64: truncation is near STEP**2, rounding near 1e-16 / STEP.
TOLERANCE = 1e-6


def by_differences(value: Callable[[], float], array: Array) -> Array:
    """Return d value / d array, moving one element at a time by STEP each way."""
    gradient = np.empty(array.shape)
    for place in np.ndindex(array.shape):
        held = array[place]
        array[place] = held + STEP
        above = value()
        array[place] = held - STEP
        below = value()
        array[place] = held
        gradient[place] = (above - below) / (2 * STEP)
    return gradient


def on_both_sides(
    value: Callable[[], Array], array: Array, direction: Array, step: float = STEP
) -> tuple[Array, Array]:
    """Return copies of a value above and below: an array moved by a step along a direction, each way."""
    held = array.copy()
    sides = []
    for signed in (step, -step):
        np.multiply(direction, signed, out=array)
        array += held
        sides.append(value().copy())
    np.copyto(array, held)
    return sides[0], sides[1]


def assert_close(found: Array, wanted: Array, what: str, tolerance: float = TOLERANCE) -> None:
    """Assert that two arrays agree, relative to the largest value wanted."""
    assert found.shape == wanted.shape, f"{what}: shape {found.shape}, wanted {wanted.shape}"
    scale = max(1.0, float(np.abs(wanted).max(initial=0)))
    error = np.abs(found - wanted)
    worst = float(error.max(initial=0))
    if not worst <= tolerance * scale:  # also where it is NaN
        place = np.unravel_index(int(np.argmax(np.nan_to_num(error, nan=np.inf))), error.shape)
        at = tuple(int(i) for i in place)
        raise AssertionError(
            f"{what}: off by {worst:.3g} at {at}: found {found[at]:.8g}, wanted {wanted[at]:.8g}"
        )

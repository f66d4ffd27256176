"""What each row counts: sample weights times class weights."""

from __future__ import annotations

from numbers import Real
from typing import Any

import mlpk
import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.class_weight import compute_sample_weight

__all__ = ["row_weights"]


def row_weights(
    sample_weight: Any, class_weight: Any, y: NDArray[Any]
) -> NDArray[np.float64] | None:
    """Return a number from 0 for each row, or None if all rows count alike."""
    if sample_weight is None and class_weight is None:
        return None
    weight = np.ones(len(y)) if sample_weight is None else _checked(sample_weight, y)
    if class_weight is not None:
        there = weight > 0
        weight[there] *= _factors(class_weight, y[there], weight[there])
    if weight.min() < 0:
        raise mlpk.DataError(
            f"weights must not be negative, found {weight.min():g} in row {weight.argmin()}"
        )
    if not weight.any():
        raise mlpk.DataError("all weights are zero: sample_weight and class_weight leave no row")
    return weight


def _factors(class_weight: Any, y: NDArray[Any], weight: NDArray[np.float64]) -> NDArray[Any]:
    """Return the factor of each row's class.

    "balanced" makes the sums of all classes' weights equal: sum(w) / (classes * sum of the class).
    A row of weight 3 counts as three rows do.
    """
    if not isinstance(class_weight, str) or class_weight != "balanced":
        return np.asarray(compute_sample_weight(class_weight, y))
    _, places = np.unique(y, return_inverse=True)
    mass = np.bincount(places, weight)
    return np.asarray((mass.sum() / (len(mass) * mass))[places])


def _checked(sample_weight: Any, y: NDArray[Any]) -> NDArray[np.float64]:
    """Return a copy of the sample weights, one for each row."""
    if isinstance(sample_weight, Real):
        sample_weight = np.full(len(y), sample_weight)
    weight: NDArray[np.float64] = check_array(
        sample_weight, dtype=np.float64, ensure_2d=False, copy=True, input_name="sample_weight"
    )
    if weight.ndim > 1:
        problem = f"sample_weight: wanted one number a row, found the shape {weight.shape}"
        raise mlpk.ShapeError(problem)
    check_consistent_length(y, weight)
    return weight

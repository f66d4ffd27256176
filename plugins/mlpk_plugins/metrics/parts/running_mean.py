"""A mean gathered in pieces, weighted by row: sum(w * value) / sum(w) over all that counts."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import DataError
from mlpk.metric import MetricState

__all__ = ["add", "mean", "start"]


def start() -> MetricState:
    """Return the state before any value: two float64 numbers."""
    return {"sum": np.zeros(()), "weight": np.zeros(())}


def add(
    state: MetricState, values: Array, weight: Array | None, counts: Array | None = None
) -> None:
    """Add values (N, ...) in place, each with the weight (N,) of its row.

    `counts` (N, ...) tells which of them count; None: all.
    """
    if weight is not None and weight.shape != values.shape[:1]:
        raise DataError(
            f"wanted one weight a row, shape {values.shape[:1]}, found shape {weight.shape}"
        )
    if weight is None and counts is None:
        state["sum"] += values.sum(dtype=np.float64)
        state["weight"] += values.size
        return
    within = tuple(range(1, values.ndim))
    counts = np.broadcast_to(True if counts is None else counts, values.shape)
    sums = np.sum(values, axis=within, where=counts, dtype=np.float64)
    numbers = np.sum(counts, axis=within, dtype=np.float64)
    if weight is not None:
        sums = np.where(weight == 0, 0, sums)  # 0 * inf would be nan
    state["sum"] += sums.sum() if weight is None else np.dot(weight, sums)
    state["weight"] += numbers.sum() if weight is None else np.dot(weight, numbers)


def mean(state: MetricState) -> float:
    """Return the mean of what was added, nan if that was nothing."""
    return float(state["sum"] / state["weight"]) if state["weight"] else float("nan")

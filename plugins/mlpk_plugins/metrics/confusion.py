"""How often each class was taken for each, weighted by row, and what is read off that."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import DataError
from mlpk.metric import MetricState
from mlpk_plugins.metrics.labels import decided

__all__ = ["Average", "add", "averaged", "check_average", "shares", "start"]

Average: TypeAlias = Literal["binary", "macro", "micro"]
PAIR = 2


def start() -> MetricState:
    """Return the state before any row: counts (classes, classes), of no class yet."""
    return {"counts": np.zeros((0, 0))}


def add(
    kind: str,
    state: MetricState,
    prediction: Array,
    target: Array,
    weight: Array | None,
    *,
    threshold: float | None,
    ignore_index: int | None,
) -> None:
    """Count each position in counts[true class, predicted class], with the weight (N,) of its row.

    Classes and labels are those of `accuracy`; `kind` is for messages.
    """
    found, labels, counts = decided(kind, prediction, target, threshold, ignore_index)
    classes = max(PAIR, prediction.shape[-1] if prediction.ndim > 1 else 1)
    weights = _spread(weight, labels.shape)
    if counts is not None:
        weights = np.where(counts, weights, 0)
    places = labels.astype(np.intp) * classes + found
    gathered = np.bincount(places.ravel(), weights.ravel(), classes * classes)
    if not state["counts"].size:
        state["counts"] = np.zeros((classes, classes))
    state["counts"] += gathered.reshape(classes, classes)


def check_average(kind: str, average: Average, prediction: Array) -> None:
    """Refuse the average "binary" for more than two classes."""
    classes = prediction.shape[-1] if prediction.ndim > 1 else 1
    if average == "binary" and classes > PAIR:
        raise DataError(
            f"{kind}: average 'binary' is for two classes, found {classes}; give "
            f'{{"kind": "{kind}", "average": "macro"}}, or "micro"'
        )


def averaged(counts: Array, hits: Array, wholes: Array, average: Average) -> float:
    """Return hits / wholes (classes,) as one number, and nan if nothing was counted.

    "binary": of class 1 of two; "macro": the mean over the classes that occur, in targets or in
    predictions; "micro": of the sums over all classes. Where the whole is 0 it is 0.
    """
    if not counts.any():
        return float("nan")
    if average == "micro":
        return float(hits.sum() / wholes.sum())
    each = shares(hits, wholes, 0.0)
    if average == "binary":
        return float(each[1])
    return float(each[counts.any(axis=0) | counts.any(axis=1)].mean())


def shares(hits: Array, wholes: Array, otherwise: float) -> Array:
    """Return hits / wholes, and `otherwise` where the whole is 0."""
    found: Array = np.divide(hits, wholes, out=np.full(hits.shape, otherwise), where=wholes != 0)
    return found


def _spread(weight: Array | None, shape: tuple[int, ...]) -> Array:
    """Return the weight of each position (N, ...)."""
    if weight is None:
        return np.ones(shape)
    if weight.shape != shape[:1]:
        raise DataError(f"wanted one weight a row, shape {shape[:1]}, found shape {weight.shape}")
    return np.broadcast_to(weight.reshape(-1, *(1 for _ in shape[1:])), shape)

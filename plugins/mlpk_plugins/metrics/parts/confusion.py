"""How often each class was taken for each, weighted by row, and what is read off that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, Protocol, TypeAlias

import numpy as np

from mlpk import ConfigError, Example, Metric
from mlpk.arrays import Array
from mlpk.errors import DataError
from mlpk.metric import MetricState
from mlpk_plugins.metrics.parts.labels import PAIR, Deciding, classes_of, decided, true_classes

__all__ = [
    "Average",
    "add",
    "averaged",
    "averaged_examples",
    "check",
    "check_average",
    "examples",
    "shares",
    "start",
    "sums",
]

Average: TypeAlias = Literal["binary", "macro", "micro"]


class Averaging(Deciding, Protocol):
    """A metric that makes one number of those of the classes."""

    @property
    def average(self) -> Average:
        """How."""


class Sums(NamedTuple):
    """Sums over positions, one a class."""

    hits: Array  # of the class and taken for it
    taken: Array  # taken for it
    own: Array  # of it


def start() -> MetricState:
    """Return the state before any row: counts of no class yet."""
    return {"counts": np.zeros((0, 1))}


def check(metric: Deciding, prediction: tuple[int, ...], target: Array) -> None:
    """Refuse targets that are no classes for predictions of this shape (without the batch axis)."""
    true_classes(metric, (len(target), *prediction), target)


def check_average(metric: Averaging, prediction: tuple[int, ...]) -> None:
    """Refuse the average "binary" for more than two classes."""
    classes = classes_of((0, *prediction))
    if metric.average == "binary" and classes > PAIR:
        raise ConfigError(
            f"{metric.kind}.average",
            f"'binary' is for two classes, found {classes}; give "
            f'{{"kind": "{metric.kind}", "average": "macro"}}, or "micro"',
        )


def add(
    metric: Deciding, state: MetricState, prediction: Array, target: Array, weight: Array | None
) -> None:
    """Count each position in counts[true class, predicted class], with the weight (N,) of its row.

    counts is (classes, classes + 1): what is taken for no class, since a score is nan, stands in
    the last column.
    """
    found, labels, counts = decided(metric, prediction, target)
    classes = classes_of(prediction.shape)
    weights = _spread(weight, labels.shape)
    if counts is not None:
        weights = np.where(counts, weights, 0)
    shape = classes, classes + 1
    places = labels.astype(np.intp) * shape[1] + found
    gathered = np.bincount(places.ravel(), weights.ravel(), shape[0] * shape[1])
    if not state["counts"].size:
        state["counts"] = np.zeros(shape)
    state["counts"] += gathered.reshape(shape)


def sums(state: MetricState) -> Sums:
    """Return what each class has in the counts."""
    counts = state["counts"]
    return Sums(counts.diagonal(), counts[:, :-1].sum(axis=0), counts.sum(axis=1))


def averaged(average: Average, parts: Array, wholes: Array, found: Sums) -> float:
    """Return parts / wholes (classes,) as one number, and nan if nothing was counted.

    "binary": of class 1 of two; "macro": the mean over the classes that carry weight, in targets
    or in predictions; "micro": of the sums over all classes. Where the whole is 0 it is 0.
    """
    if not found.own.any():
        return float("nan")
    if average == "micro":
        parts, wholes = parts.sum(keepdims=True), wholes.sum(keepdims=True)
        return float(shares(parts, wholes, 0.0)[0])
    each = shares(parts, wholes, 0.0)
    if average == "binary":
        return float(each[1])
    return float(each[found.taken + found.own > 0].mean())


def shares(parts: Array, wholes: Array, otherwise: float) -> Array:
    """Return parts / wholes, and `otherwise` where the whole is 0."""
    found: Array = np.divide(parts, wholes, out=np.full(parts.shape, otherwise), where=wholes != 0)
    return found


def examples(make: Callable[..., Metric]) -> Iterator[Example]:
    """Yield examples of a metric with a number for each class, all of which occur."""
    yield Example(make(), (3,), draw=lambda rng, n: (rng.standard_normal((n, 3)), np.arange(n) % 3))
    yield Example(
        make(threshold=0.5, ignore_index=-1),
        (1,),
        draw=lambda rng, n: (rng.random((n, 1)), rng.integers(-1, 2, n)),
    )


def averaged_examples(make: Callable[..., Metric]) -> Iterator[Example]:
    """Yield examples of a metric with one number, for each average."""
    yield Example(
        make(average="macro"),
        (3,),
        draw=lambda rng, n: (rng.standard_normal((n, 3)), rng.integers(3, size=n)),
    )
    yield Example(
        make(threshold=0.5),
        (1,),
        draw=lambda rng, n: (rng.random((n, 1)), rng.integers(2, size=n)),
    )
    yield Example(
        make(average="micro", ignore_index=-1),
        (2, 3),
        draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.integers(-1, 3, (n, 2))),
    )


def _spread(weight: Array | None, shape: tuple[int, ...]) -> Array:
    """Return the weight of each position (N, ...)."""
    if weight is None:
        return np.ones(shape)
    if weight.shape != shape[:1]:
        raise DataError(f"wanted one weight a row, shape {shape[:1]}, found shape {weight.shape}")
    return np.broadcast_to(weight.reshape(-1, *(1 for _ in shape[1:])), shape)

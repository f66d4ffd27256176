"""The interface of what is measured over a whole set."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, TypeAlias

from mlpk.arrays import Array
from mlpk.kind import Kind

__all__ = ["Metric", "MetricState"]

# Named arrays, updated in place; a checkpoint inside an epoch stores them.
MetricState: TypeAlias = dict[str, Array]


class Metric(Kind):
    """A number over a whole set, gathered in pieces: start, update for each piece, result.

    Core hands over at most `metric.ROWS` rows at a time, so what an update allocates stays small.
    """

    family: ClassVar[str] = "metrics"

    @abstractmethod
    def start(self) -> MetricState:
        """Return the state before any data: arrays by name."""

    @abstractmethod
    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        """Add some rows to the state, in place; `weight` (N,) counts rows, None counts each once."""

    @abstractmethod
    def result(self, state: MetricState) -> float | Array:
        """Return the metric of all that was added."""


ROWS = 1024

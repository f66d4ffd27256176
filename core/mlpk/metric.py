"""The interface of what is measured over a whole set."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal, TypeAlias

from mlpk.arrays import Array
from mlpk.kind import Kind

__all__ = ["Best", "Measured", "Metric", "MetricState"]

# Named arrays, updated in place; a checkpoint inside an epoch stores them.
MetricState: TypeAlias = dict[str, Array]
# What comes out: a number, or an array such as a number for each class.
Measured: TypeAlias = float | Array
# Which of two results is the better one, the smaller or the larger.
Best: TypeAlias = Literal["min", "max"]


class Metric(Kind):
    """A number, or an array, over a whole set, gathered in pieces: start, update for each, result.

    Core hands over at most `metric.ROWS` rows at a time, so what an update allocates stays small.
    `best` says which way results are better, "min" or "max", to callbacks that watch them; None
    where neither is, and then they have to be told.
    """

    family: ClassVar[str] = "metrics"
    best: ClassVar[Best | None] = None

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        """Refuse targets that don't fit predictions of this shape (without the batch axis).

        Called once with all targets before training or evaluation; a `DataError` names the row. A
        `ConfigError` tells that the metric does not suit the output, or a field of it: at "kind"
        or "kind.field".
        """

    @abstractmethod
    def start(self) -> MetricState:
        """Return the state before any data: arrays by name."""

    @abstractmethod
    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        """Add some rows to the state, in place; `weight` (N,) counts rows, None counts each once."""

    @abstractmethod
    def result(self, state: MetricState) -> Measured:
        """Return the metric of all that was added."""


ROWS = 1024

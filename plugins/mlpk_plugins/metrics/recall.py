"""Recall."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.metric import Best, MetricState
from mlpk_plugins.metrics.parts import confusion


@define
class Recall(Metric):
    """Of the positions that are of a class, the share that was taken for it.

    All fields, predictions, targets and weights as in `precision`; the average "micro" is the
    accuracy. A position with a nan among its scores is taken for no class, which is a miss.
    """

    kind: ClassVar[str] = "recall"
    best: ClassVar[Best | None] = "max"

    average: confusion.Average = "binary"
    threshold: float | None = None
    ignore_index: int | None = None

    def start(self) -> MetricState:
        return confusion.start()

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        confusion.check_average(self, prediction)
        confusion.check(self, prediction, target)

    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        confusion.check_average(self, prediction.shape[1:])
        confusion.add(self, state, prediction, target, weight)

    def result(self, state: MetricState) -> float:
        found = confusion.sums(state)
        return confusion.averaged(self.average, found.hits, found.own, found)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield from confusion.averaged_examples(cls)

"""Precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.metric import Best, MetricState
from mlpk_plugins.metrics.parts import confusion


@define
class Precision(Metric):
    """Of the positions that were taken for a class, the share that is of it.

    `average`: "binary" is that of class 1 of two, "macro" the mean over the classes that carry
    weight in targets or predictions (one that occurs only in rows of weight 0 does not), "micro"
    that of the sums over all classes. Where there is nothing to divide by it is 0; it is nan if
    nothing counts at all. Everything is counted over the whole set before it is divided.

    Predictions, targets, `threshold` (for a single score, and only there), `ignore_index` and
    weights as in `accuracy`. A position with a nan among its scores is taken for no class.
    """

    kind: ClassVar[str] = "precision"
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
        return confusion.averaged(self.average, found.hits, found.taken, found)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield from confusion.averaged_examples(cls)

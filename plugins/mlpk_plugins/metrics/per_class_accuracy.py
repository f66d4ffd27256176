"""The accuracy of each class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.metric import Best, MetricState
from mlpk_plugins.metrics.parts import confusion


@define
class PerClassAccuracy(Metric):
    """Of the positions of each class, the share that was taken for it, (classes,).

    That is the recall of each; nan for a class that no target has.

    Predictions, targets, `threshold` (for a single score, and only there), `ignore_index` and
    weights as in `accuracy`; a position with a nan among its scores is a miss.
    """

    kind: ClassVar[str] = "per_class_accuracy"
    best: ClassVar[Best | None] = "max"

    threshold: float | None = None
    ignore_index: int | None = None

    def start(self) -> MetricState:
        return confusion.start()

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        confusion.check(self, prediction, target)

    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        confusion.add(self, state, prediction, target, weight)

    def result(self, state: MetricState) -> Array:
        found = confusion.sums(state)
        return confusion.shares(found.hits, found.own, float("nan"))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield from confusion.examples(cls)

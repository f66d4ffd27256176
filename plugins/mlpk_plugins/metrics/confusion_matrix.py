"""The confusion matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.metric import MetricState
from mlpk_plugins.metrics.parts import confusion


@define
class ConfusionMatrix(Metric):
    """counts[i, j]: how many positions of class i were taken for class j, (classes, classes).

    With weights it is their sum. Before any row it is (0, 0).

    Predictions, targets, `threshold` (for a single score, and only there), `ignore_index` and
    weights as in `accuracy`. A position with a nan among its scores is taken for no class: it
    stands in no column, and its row sums to less than what is of the class.
    """

    kind: ClassVar[str] = "confusion_matrix"

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
        return state["counts"][:, :-1].copy()

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield from confusion.examples(cls)

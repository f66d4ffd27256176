"""F1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.metric import MetricState
from mlpk_plugins.metrics import confusion


@define
class F1(Metric):
    """The harmonic mean of a class's precision and recall, 2 * hits / (taken for it + of it).

    `average`: "binary" is that of class 1 of two, "macro" the mean over the classes that occur in
    targets or predictions, "micro" that of the sums over all classes, which with one class a
    position is the accuracy. Where there is nothing to divide by it is 0; it is nan if nothing
    counts at all.

    Predictions, targets, `threshold` (for a single score it has to be given), `ignore_index` and
    weights as in `accuracy`. Everything is counted over the whole set before it is divided.
    """

    kind: ClassVar[str] = "f1"

    average: Literal["binary", "macro", "micro"] = "binary"
    threshold: float | None = None
    ignore_index: int | None = None

    def start(self) -> MetricState:
        return confusion.start()

    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        confusion.check_average(self.kind, self.average, prediction)
        confusion.add(
            self.kind,
            state,
            prediction,
            target,
            weight,
            threshold=self.threshold,
            ignore_index=self.ignore_index,
        )

    def result(self, state: MetricState) -> float:
        counts = state["counts"]
        hits = 2 * counts.diagonal()
        wholes = counts.sum(axis=0) + counts.sum(axis=1)
        return confusion.averaged(counts, hits, wholes, self.average)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(
            cls(average="macro"),
            (3,),
            draw=lambda rng, n: (rng.standard_normal((n, 3)), rng.integers(3, size=n)),
        )
        yield Example(
            cls(threshold=0.5),
            (1,),
            draw=lambda rng, n: (rng.random((n, 1)), rng.integers(2, size=n)),
        )
        yield Example(
            cls(average="micro", ignore_index=-1),
            (2, 3),
            draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.integers(-1, 3, (n, 2))),
        )

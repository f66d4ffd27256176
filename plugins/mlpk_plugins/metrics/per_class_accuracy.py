"""The accuracy of each class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.metric import MetricState
from mlpk_plugins.metrics import confusion


@define
class PerClassAccuracy(Metric):
    """Of the positions of each class, the share that was taken for it, (classes,).

    That is the recall of each; nan for a class that no target has.

    Predictions, targets, `threshold` (for a single score it has to be given), `ignore_index` and
    weights as in `accuracy`.
    """

    kind: ClassVar[str] = "per_class_accuracy"

    threshold: float | None = None
    ignore_index: int | None = None

    def start(self) -> MetricState:
        return confusion.start()

    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        confusion.add(
            self.kind,
            state,
            prediction,
            target,
            weight,
            threshold=self.threshold,
            ignore_index=self.ignore_index,
        )

    def result(self, state: MetricState) -> Array:
        counts = state["counts"]
        return confusion.shares(counts.diagonal(), counts.sum(axis=1), float("nan"))

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(
            cls(), (3,), draw=lambda rng, n: (rng.standard_normal((n, 3)), np.arange(n) % 3)
        )
        yield Example(
            cls(threshold=0.5, ignore_index=-1),
            (1,),
            draw=lambda rng, n: (rng.random((n, 1)), rng.integers(-1, 2, n)),
        )

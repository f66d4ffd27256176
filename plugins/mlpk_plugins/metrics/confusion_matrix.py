"""The confusion matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.metric import MetricState
from mlpk_plugins.metrics import confusion


@define
class ConfusionMatrix(Metric):
    """counts[i, j]: how many positions of class i were taken for class j, (classes, classes).

    With weights it is their sum. Before any row it is (0, 0).

    Predictions, targets, `threshold` (for a single score it has to be given), `ignore_index` and
    weights as in `accuracy`.
    """

    kind: ClassVar[str] = "confusion_matrix"

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
        return state["counts"].copy()

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

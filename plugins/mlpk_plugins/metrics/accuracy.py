"""Accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.metric import Best, MetricState
from mlpk_plugins.metrics.parts import running_mean
from mlpk_plugins.metrics.parts.labels import decided, true_classes


@define
class Accuracy(Metric):
    """The share of positions whose predicted class is the true one; nan if none counts.

    prediction (N, ..., C) with C >= 2: the class is the one with the highest score, the first of
    equals. target: integer labels (N, ...), or one-hot or soft (N, ..., C).

    prediction (N,) or (N, ..., 1): the class is 1 where the score is above `threshold`, else 0;
    target: labels or probabilities, with or without the last axis. The threshold has to be given:
    0.0 for logits, as `binary_cross_entropy` takes them, 0.5 for probabilities. With scores of
    several classes it is refused.

    A position with a nan among its scores is taken for no class, which is a miss. Positions
    whose label is `ignore_index` don't count. A row's weight is that of each of its
    positions.
    """

    kind: ClassVar[str] = "accuracy"
    best: ClassVar[Best | None] = "max"

    threshold: float | None = None
    ignore_index: int | None = None

    def start(self) -> MetricState:
        return running_mean.start()

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        true_classes(self, (len(target), *prediction), target)

    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        found, labels, counts = decided(self, prediction, target)
        running_mean.add(state, found == labels, weight, counts)

    def result(self, state: MetricState) -> float:
        return running_mean.mean(state)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(
            cls(), (3,), draw=lambda rng, n: (rng.standard_normal((n, 3)), rng.integers(3, size=n))
        )
        yield Example(
            cls(ignore_index=-1),
            (2, 3),
            draw=lambda rng, n: (rng.standard_normal((n, 2, 3)), rng.integers(-1, 3, (n, 2))),
        )
        yield Example(
            cls(threshold=0.5),
            (1,),
            draw=lambda rng, n: (rng.random((n, 1)), rng.integers(2, size=n)),
        )

"""Top-k accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from attrs import field
from attrs.validators import ge

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.errors import ConfigError
from mlpk.metric import Best, MetricState
from mlpk_plugins.metrics.parts import running_mean
from mlpk_plugins.metrics.parts.labels import class_labels


@define
class TopKAccuracy(Metric):
    """The share of positions where fewer than k classes score higher than the true one.

    prediction (N, ..., C), C >= 2; target: integer labels (N, ...), or one-hot or soft (N, ..., C).
    1 <= k < C: among all C classes the true one always is. Classes that tie with the true one don't
    push it out; a score that is nan does, and is never among the top itself. Positions whose
    integer label is `ignore_index` don't count, and it is nan if none does. A row's weight is that
    of each of its positions.
    """

    kind: ClassVar[str] = "top_k_accuracy"
    best: ClassVar[Best | None] = "max"

    k: int = field(default=5, validator=ge(1))
    ignore_index: int | None = None

    def start(self) -> MetricState:
        return running_mean.start()

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        self._true_classes((len(target), *prediction), target)

    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        labels, counts = self._true_classes(prediction.shape, target)
        own = np.take_along_axis(prediction, labels[..., np.newaxis], axis=-1)
        above = prediction.shape[-1] - np.sum(prediction <= own, axis=-1)
        running_mean.add(state, above < self.k, weight, counts)

    def result(self, state: MetricState) -> float:
        return running_mean.mean(state)

    def _true_classes(
        self, prediction: tuple[int, ...], target: Array
    ) -> tuple[Array, Array | None]:
        if len(prediction) == 1 or prediction[-1] == 1:
            raise ConfigError(
                self.kind,
                "wanted predictions with a score for each of two classes or more, found shape "
                f"{prediction}; for a single score use accuracy",
            )
        if self.k >= prediction[-1]:
            raise ConfigError(
                f"{self.kind}.k",
                f"wanted less than the {prediction[-1]} classes, among which the true one always "
                f'is, found {self.k}; give a smaller "k", or take accuracy, which is that of k = 1',
            )
        return class_labels(prediction, target, self.ignore_index)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(
            cls(k=2),
            (4,),
            draw=lambda rng, n: (rng.standard_normal((n, 4)), rng.integers(4, size=n)),
        )

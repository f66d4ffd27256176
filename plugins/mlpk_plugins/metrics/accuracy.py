"""Accuracy."""

from __future__ import annotations

from typing import ClassVar

from mlpk import Metric, define
from mlpk.arrays import Array
from mlpk.metric import MetricState
from mlpk_plugins.metrics import running_mean
from mlpk_plugins.metrics.labels import binary_labels, class_labels


@define
class Accuracy(Metric):
    """The share of positions whose predicted class is the true one; nan if none counts.

    prediction (N, ..., C) with C >= 2: the class is the one with the highest score, the first of
    equals; target: integer labels (N, ...), or one-hot or soft (N, ..., C).

    prediction (N,) or (N, ..., 1): the class is 1 where the score is above `threshold`, else 0;
    target: labels or probabilities, with or without the last axis. The threshold of 0.5 is for
    probabilities; for logits, as `binary_cross_entropy` takes them, it is 0.

    Positions whose integer label is `ignore_index` don't count. A row's weight is that of each of
    its positions.
    """

    kind: ClassVar[str] = "accuracy"

    threshold: float = 0.5
    ignore_index: int | None = None

    def start(self) -> MetricState:
        return running_mean.start()

    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        if prediction.ndim > 1 and prediction.shape[-1] > 1:
            labels, counts = class_labels(prediction, target, self.ignore_index)
            hits = prediction.argmax(axis=-1) == labels
        else:
            scores = prediction if prediction.ndim == 1 else prediction[..., 0]
            labels, counts = binary_labels(scores, target, self.ignore_index)
            hits = (scores > self.threshold) == labels
        running_mean.add(state, hits, weight, counts)

    def result(self, state: MetricState) -> float:
        return running_mean.mean(state)

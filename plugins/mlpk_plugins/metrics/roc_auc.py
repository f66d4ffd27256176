"""The area under the ROC curve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import ConfigError, DataError, Example, Metric, define
from mlpk.arrays import Array
from mlpk.metric import Best, MetricState
from mlpk_plugins.metrics.parts.labels import PAIR, binary_labels, class_labels

FIRST_ROOM = 1024


@define
class RocAuc(Metric):
    """How often a position of class 1 scores higher than one of class 0; ties count one half.

    That is the area under the curve of hits over false alarms. prediction (N,) or (N, ..., 1): a
    score, be it a logit or a probability; (N, ..., 2): the score of class 1 less that of class 0.
    target: labels 0 and 1 or probabilities, with or without a last axis of length 1; for the
    scores of two classes also one-hot or soft (N, ..., 2). Positions whose label is `ignore_index`
    don't count; a pair counts with the product of its rows' weights. A score that is nan is
    neither higher than another nor its equal, so that each of its pairs is a miss. It is nan if a
    class is missing.

    Exact, not binned: the scores of the whole set are kept, 24 bytes a position.
    """

    kind: ClassVar[str] = "roc_auc"
    best: ClassVar[Best | None] = "max"

    ignore_index: int | None = None

    def start(self) -> MetricState:
        # The rows are scores, labels and weights; only the first `count` columns are in use.
        return {"rows": np.zeros((3, 0)), "count": np.zeros((), np.int64)}

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        self._labels((len(target), *prediction), target)

    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        labels, counts = self._labels(prediction.shape, target)
        scores = _scores(prediction)
        if weight is not None and weight.shape != scores.shape[:1]:
            raise DataError(
                f"wanted one weight a row, shape {scores.shape[:1]}, found shape {weight.shape}"
            )
        weights = 1.0 if weight is None else weight.reshape(-1, *(1 for _ in scores.shape[1:]))
        chosen = slice(None) if counts is None else counts.ravel()
        found = [np.broadcast_to(part, scores.shape).ravel() for part in (scores, labels, weights)]
        _append(state, np.array([part[chosen] for part in found], np.float64))

    def result(self, state: MetricState) -> float:
        scores, labels, weights = state["rows"][:, : int(state["count"])]
        of_one, of_zero = weights * labels, weights * (1 - labels)
        pairs = of_one.sum() * of_zero.sum()
        if not pairs:
            return float("nan")
        ranked = ~np.isnan(scores)
        levels, level = np.unique(scores[ranked], return_inverse=True)
        positive = np.bincount(level, of_one[ranked], len(levels))
        negative = np.bincount(level, of_zero[ranked], len(levels))
        below = np.cumsum(negative) - negative / 2
        return float(positive @ below / pairs)

    def _labels(self, prediction: tuple[int, ...], target: Array) -> tuple[Array, Array | None]:
        if len(prediction) > 1 and prediction[-1] > PAIR:
            raise ConfigError(
                self.kind,
                "wanted a single score, or one for each of two classes, found predictions of "
                f"shape {prediction}",
            )
        if len(prediction) > 1 and target.shape == prediction and prediction[-1] == PAIR:
            return class_labels(prediction, target, self.ignore_index)
        return binary_labels(prediction[:-1] or prediction, target, self.ignore_index)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(
            cls(), (1,), draw=lambda rng, n: (rng.standard_normal((n, 1)), np.arange(n) % 2)
        )
        yield Example(
            cls(ignore_index=-1),
            (2, 2),
            draw=lambda rng, n: (
                rng.integers(3, size=(n, 2, 2)) / 2,
                np.arange(2 * n).reshape(n, 2) % 3 - 1,
            ),
        )


def _scores(prediction: Array) -> Array:
    """Return one score a position, the higher the likelier class 1."""
    if prediction.ndim == 1:
        return prediction
    if prediction.shape[-1] == 1:
        return prediction[..., 0]
    with np.errstate(invalid="ignore"):  # infinity less infinity is nan, and said to be a miss
        return np.subtract(prediction[..., 1], prediction[..., 0], dtype=np.float64)


def _append(state: MetricState, columns: Array) -> None:
    """Add columns; the room doubles when it is used up, so that adding stays cheap."""
    rows, count, added = state["rows"], int(state["count"]), columns.shape[1]
    room = max(rows.shape[1], FIRST_ROOM)
    while room < count + added:
        room *= 2
    if room > rows.shape[1]:
        state["rows"] = np.zeros((3, room))
        state["rows"][:, :count] = rows[:, :count]
    state["rows"][:, count : count + added] = columns
    state["count"] += added

"""The predicted and the true class at each position, from the forms that targets come in."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import ConfigError, DataError

__all__ = [
    "PAIR",
    "Deciding",
    "binary_labels",
    "class_labels",
    "classes_of",
    "decided",
    "true_classes",
]

Shape = tuple[int, ...]
PAIR = 2


class Deciding(Protocol):
    """A metric that goes by classes: its kind, and the fields that tell them."""

    kind: ClassVar[str]

    @property
    def threshold(self) -> float | None:
        """Above which a single score means class 1."""

    @property
    def ignore_index(self) -> int | None:
        """The label of the positions that don't count."""


def classes_of(prediction: Shape) -> int:
    """Return how many classes predictions (N, ..., C) tell apart; a single score tells two."""
    return max(PAIR, prediction[-1]) if len(prediction) > 1 else PAIR


def decided(
    metric: Deciding, prediction: Array, target: Array
) -> tuple[Array, Array, Array | None]:
    """Return predicted class, true class and which positions count (None: all), each (N, ...).

    Scores of several classes (N, ..., C) go by the highest, a single one by `threshold`. Where a
    score is nan, the predicted class is none of them, but their number.
    """
    labels, counts = true_classes(metric, prediction.shape, target)
    classes = classes_of(prediction.shape)
    if prediction.shape != (*labels.shape, classes):
        scores = prediction.reshape(labels.shape)
        above = scores > metric.threshold
        return np.where(np.isnan(scores), classes, above), labels, counts
    highest = prediction.max(axis=-1)  # nan, if one of them is
    return np.where(np.isnan(highest), classes, prediction.argmax(axis=-1)), labels, counts


def true_classes(metric: Deciding, prediction: Shape, target: Array) -> tuple[Array, Array | None]:
    """Return labels (N, ...) for predictions of a shape, and which of them count (None: all)."""
    if len(prediction) > 1 and prediction[-1] > 1:
        if metric.threshold is not None:
            raise ConfigError(
                f"{metric.kind}.threshold",
                f"is for a single score, found one for each of {prediction[-1]} classes, where the "
                "highest decides; take 'threshold' away, or end the network in one unit",
            )
        return class_labels(prediction, target, metric.ignore_index)
    if metric.threshold is None:
        raise ConfigError(
            f"{metric.kind}.threshold",
            "is missing: a single score needs to know where class 1 begins; give "
            f'{{"kind": "{metric.kind}", "threshold": 0.0}} for logits (binary_cross_entropy '
            "takes them), 0.5 for probabilities",
        )
    return binary_labels(prediction[:-1] or prediction, target, metric.ignore_index)


def class_labels(
    prediction: Shape, target: Array, ignore_index: int | None
) -> tuple[Array, Array | None]:
    """Return labels (N, ...) for predictions (N, ..., C), and which of them count (None: all).

    target: integer labels (N, ...) in [0, C) or `ignore_index`, or one-hot or soft targets
    (N, ..., C), whose label is the class with the highest share, the first of equals.
    """
    if target.shape == prediction:
        _refuse(np.isnan(target), target, "target", "wanted the share of a class")
        return target.argmax(axis=-1), None
    if target.shape != prediction[:-1]:
        hint = "; drop the last axis, y[..., 0]" if target.shape == (*prediction[:-1], 1) else ""
        raise DataError(
            f"wanted integer labels of shape {prediction[:-1]}, or one-hot or soft targets "
            f"of shape {prediction}, found shape {target.shape}{hint}"
        )
    return _checked(target, prediction[-1], ignore_index)


def binary_labels(
    scores: Shape, target: Array, ignore_index: int | None
) -> tuple[Array, Array | None]:
    """Return labels 0 and 1 for scores of a shape (N, ...), and which of them count (None: all).

    target: 0, 1 or probabilities of class 1, which make a 1 above one half, or `ignore_index`;
    shaped like the scores, or with a last axis of length 1 behind.
    """
    if target.shape not in (scores, (*scores, 1)):
        raise DataError(
            f"wanted a target for each score, shape {scores}, found shape {target.shape}"
        )
    target = target.reshape(scores)
    if target.dtype.kind != "f":
        return _checked(target, PAIR, ignore_index)
    wrong, likely = ~((target >= 0) & (target <= 1)), target > 0.5  # noqa: PLR2004 - the likelier class
    if ignore_index is None:
        _refuse(wrong, target, "target", "wanted 0 to 1")
        return likely, None
    counts = target != ignore_index
    _refuse(wrong & counts, target, "target", f"wanted 0 to 1, or {ignore_index}")
    return likely & counts, counts


def _checked(labels: Array, classes: int, ignore_index: int | None) -> tuple[Array, Array | None]:
    if labels.dtype.kind not in "biu":
        raise DataError(f"wanted integer labels, found {labels.dtype}; convert them: y.astype(int)")
    wanted, wrong = f"wanted 0 to {classes - 1}", (labels < 0) | (labels >= classes)
    if ignore_index is None:
        least = labels.min(initial=0)
        if least < 0:
            wanted += f"; where {least} means no class, give the metric ignore_index={least}"
        _refuse(wrong, labels, "label", wanted)
        return labels, None
    counts = labels != ignore_index
    _refuse(wrong & counts, labels, "label", f"{wanted}, or {ignore_index}")
    return np.where(counts, labels, 0), counts


def _refuse(wrong: Array, values: Array, role: str, wanted: str) -> None:
    """Refuse the first of the values that are wrong, naming its row."""
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        row = int(place[0])
        raise DataError(f"{role} {values[place]} in row {row}: {wanted}", row)

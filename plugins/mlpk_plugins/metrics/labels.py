"""The true class at each position, from the forms that targets come in."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import DataError

__all__ = ["binary_labels", "class_labels", "decided"]


def decided(
    kind: str, prediction: Array, target: Array, threshold: float | None, ignore_index: int | None
) -> tuple[Array, Array, Array | None]:
    """Return predicted class, true class and which positions count (None: all), each (N, ...).

    Scores of several classes (N, ..., C) go by the highest, a single one by `threshold`; `kind` is
    for messages.
    """
    if prediction.ndim > 1 and prediction.shape[-1] > 1:
        return prediction.argmax(axis=-1), *class_labels(prediction, target, ignore_index)
    if threshold is None:
        raise DataError(
            f"{kind} of a single score needs to know where class 1 begins: give "
            f'{{"kind": "{kind}", "threshold": 0.0}} for logits (binary_cross_entropy takes '
            "them), 0.5 for probabilities"
        )
    scores = prediction if prediction.ndim == 1 else prediction[..., 0]
    return scores > threshold, *binary_labels(scores, target, ignore_index)


def class_labels(
    prediction: Array, target: Array, ignore_index: int | None
) -> tuple[Array, Array | None]:
    """Return labels (N, ...) for predictions (N, ..., C), and which of them count (None: all).

    target: integer labels (N, ...) in [0, C) or `ignore_index`, or one-hot or soft targets
    (N, ..., C), whose label is the class with the highest share, the first of equals.
    """
    if target.shape == prediction.shape:
        return target.argmax(axis=-1), None
    if target.shape != prediction.shape[:-1]:
        raise DataError(
            f"wanted integer labels of shape {prediction.shape[:-1]}, or one-hot or soft targets "
            f"of shape {prediction.shape}, found shape {target.shape}"
        )
    return _checked(target, prediction.shape[-1], ignore_index)


def binary_labels(
    scores: Array, target: Array, ignore_index: int | None
) -> tuple[Array, Array | None]:
    """Return labels 0 and 1, shaped like the scores (N, ...), and which of them count (None: all).

    target: integers 0, 1 or `ignore_index`, or probabilities of class 1, which make a 1 above one
    half; shaped like the scores, or with a last axis of length 1 behind.
    """
    if target.shape not in (scores.shape, (*scores.shape, 1)):
        raise DataError(
            f"wanted a target for each score, shape {scores.shape}, found shape {target.shape}"
        )
    target = target.reshape(scores.shape)
    if target.dtype.kind != "f":
        return _checked(target, 2, ignore_index)
    if (wrong := ~((target >= 0) & (target <= 1))).any():
        row, value = _first(wrong, target)
        raise DataError(f"target {value} in row {row}: wanted 0 to 1", row)
    return target > 0.5, None  # noqa: PLR2004 - the likelier class


def _checked(labels: Array, classes: int, ignore_index: int | None) -> tuple[Array, Array | None]:
    if labels.dtype.kind not in "biu":
        raise DataError(f"wanted integer labels, found {labels.dtype}; convert them: y.astype(int)")
    wrong = (labels < 0) | (labels >= classes)
    if ignore_index is not None:
        wrong &= labels != ignore_index
    if wrong.any():
        row, label = _first(wrong, labels)
        problem = f"label {label} in row {row}: wanted 0 to {classes - 1}"
        raise DataError(problem if ignore_index is None else f"{problem}, or {ignore_index}", row)
    if ignore_index is None:
        return labels, None
    counts = labels != ignore_index
    return np.where(counts, labels, 0), counts


def _first(wrong: Array, values: Array) -> tuple[int, object]:
    place = tuple(np.argwhere(wrong)[0])
    return int(place[0]), values[place]

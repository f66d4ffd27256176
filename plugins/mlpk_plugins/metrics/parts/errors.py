"""What predictions miss their targets by."""

from __future__ import annotations

from mlpk.arrays import Array
from mlpk.errors import DataError

__all__ = ["check_alike", "errors"]


def errors(prediction: Array, target: Array) -> Array:
    """Return prediction - target (N, ...), both of one shape but for a last axis of length 1."""
    check_alike(prediction.shape, target)
    return prediction - target.reshape(prediction.shape)


def check_alike(prediction: tuple[int, ...], target: Array) -> None:
    """Refuse targets of another shape than the predictions', but for a last axis of length 1."""
    shapes = prediction, target.shape
    if shapes[0] != shapes[1] and (*min(shapes, key=len), 1) != max(shapes, key=len):
        raise DataError(
            f"wanted targets of shape {prediction}, like the predictions, "
            f"found shape {target.shape}"
        )

"""What predictions miss their targets by."""

from __future__ import annotations

from mlpk.arrays import Array
from mlpk.errors import DataError

__all__ = ["errors"]


def errors(prediction: Array, target: Array) -> Array:
    """Return prediction - target (N, ...), both of one shape but for a last axis of length 1."""
    shapes = prediction.shape, target.shape
    if shapes[0] != shapes[1] and (*min(shapes, key=len), 1) != max(shapes, key=len):
        raise DataError(
            f"wanted targets of shape {prediction.shape}, like the predictions, "
            f"found shape {target.shape}"
        )
    return prediction - target.reshape(prediction.shape)

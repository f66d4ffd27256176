"""The mask of a sequence, a second input (n, T), bool: which of its steps are there."""

from __future__ import annotations

from mlpk import ShapeError
from mlpk.arrays import Array
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.input_shapes import sequence_shape


def masked_sequence_shape(x: Shape, mask: Shape | None) -> tuple[int | None, int | None]:
    """Return (T, features) of a sequence with, if there is one, a mask (T,); refuse others."""
    steps, features = sequence_shape(x)
    fits = mask is None or (len(mask) == 1 and (None in (mask[0], steps) or mask[0] == steps))
    if not fits:
        raise ShapeError(f"wanted a mask of shape ({steps},) for a sequence {x}, found {mask}")
    return steps, features


def check_mask(x: Array, mask: Array) -> None:
    """Refuse a mask that is not (n, T) for sequences x (n, T, features)."""
    if mask.shape != x.shape[:2]:
        raise ShapeError(f"wanted a mask of shape {x.shape[:2]}, found {mask.shape}")

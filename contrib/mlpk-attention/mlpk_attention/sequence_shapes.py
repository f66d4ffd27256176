"""What the layers here want of the shapes of their inputs, which come without the batch axis."""

from __future__ import annotations

from mlpk import ShapeError
from mlpk.declaration import Shape, known


def sequence_width(x: Shape, what: str) -> int:
    """Return the width of a sequence (steps, width), or refuse another shape."""
    if len(x) != 2:  # noqa: PLR2004 - those of a sequence
        raise ShapeError(f"wanted {what}, (steps, width) beside the batch, found a shape {x}")
    return known(x[1])


def check_mask_shape(mask: Shape | None, x: Shape) -> None:
    """Refuse a mask that has not one value for each step of x (steps, width)."""
    if mask is None:
        return
    if len(mask) != 1 or (None not in (mask[0], x[0]) and mask[0] != x[0]):
        raise ShapeError(f"wanted a mask of shape ({x[0]},) for a sequence {x}, found {mask}")

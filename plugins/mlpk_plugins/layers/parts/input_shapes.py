"""What layers want of an input's shape, which comes without the batch axis."""

from __future__ import annotations

from mlpk import ShapeError
from mlpk.declaration import Shape


def image_shape(x: Shape) -> tuple[int | None, int | None, int | None]:
    """Return (height, width, channels), or refuse a shape of other than three axes."""
    if len(x) != 3:  # noqa: PLR2004 - those of an image
        raise ShapeError(
            f"wanted images, (height, width, channels) beside the batch, found a shape {x}"
        )
    height, width, channels = x
    return height, width, channels


def sequence_shape(x: Shape) -> tuple[int | None, int | None]:
    """Return (steps, features), or refuse a shape of other than two axes."""
    if len(x) != 2:  # noqa: PLR2004 - those of a sequence
        raise ShapeError(f"wanted sequences, (steps, features) beside the batch, found a shape {x}")
    steps, features = x
    return steps, features


def last_axis(x: Shape, holds: str) -> int | None:
    """Return the length of the last axis, which `holds` such things; refuse to find no axis."""
    if not x:
        raise ShapeError(f"wanted an axis of {holds} beside the batch, found none")
    return x[-1]

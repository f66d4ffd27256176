"""The shape that several inputs of one layer have in common."""

from __future__ import annotations

from collections.abc import Sequence

from mlpk.declaration import Shape
from mlpk.errors import ShapeError


def agreed(shapes: Sequence[Shape], free: int | None = None) -> Shape:
    """Return the shape that two or more inputs share; None stands for any length.

    The axis `free` may differ, and is None in the result. Raises `ShapeError` for the first input
    that differs from those before it.
    """
    if len(shapes) < 2:  # noqa: PLR2004 - merging takes two
        raise ShapeError(f"wanted two or more inputs, found {len(shapes)}")
    common = list(shapes[0])
    for place, shape in enumerate(shapes[1:], 2):
        if len(shape) != len(common):
            raise _differing(shapes[0], shape, place, free)
        for axis, length in enumerate(shape):
            if axis == free or length is None:
                continue
            if common[axis] is None:
                common[axis] = length
            elif common[axis] != length:
                raise _differing(shapes[0], shape, place, free)
    if free is not None:
        common[free] = None
    return tuple(common)


def _differing(first: Shape, other: Shape, place: int, free: int | None) -> ShapeError:
    but = "" if free is None else f" but for axis {free} of these"
    return ShapeError(
        f"wanted inputs of one shape{but}, found {first} and, as input {place}, {other}"
    )

"""Rows and columns at the borders of images (n, height, width, channels)."""

from __future__ import annotations

from typing import Any, TypeAlias

from attrs import Attribute

from mlpk import Context
from mlpk.arrays import Array
from mlpk.declaration import Shape
from mlpk.errors import ShapeError

# One number for all sides, (height, width), or ((top, bottom), (left, right)).
Margins: TypeAlias = int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]
Sides: TypeAlias = tuple[tuple[int, int], tuple[int, int]]


def sides(margins: Margins) -> Sides:
    """Return ((top, bottom), (left, right))."""
    if isinstance(margins, int):
        return (margins, margins), (margins, margins)
    down, across = margins
    return (
        (down, down) if isinstance(down, int) else down,
        (across, across) if isinstance(across, int) else across,
    )


def from_zero(_: object, attribute: Attribute[Any], margins: Margins) -> None:
    """Refuse negative numbers."""
    if any(number < 0 for pair in sides(margins) for number in pair):
        raise ValueError(f"'{attribute.name}' must hold numbers from 0, found {margins}")


def images(x: Shape) -> tuple[int | None, int | None, int | None]:
    """Return height, width and channels, or refuse what has other axes."""
    if len(x) != 3:  # noqa: PLR2004 - those of an image
        raise ShapeError(f"wanted (height, width, channels) beside the batch, found {x}")
    height, width, channels = x
    return height, width, channels


def inside(x: Array, margins: Margins) -> Array:
    """Return the view of `x` without its margins."""
    (top, bottom), (left, right) = sides(margins)
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def framed(ctx: Context, name: str, x: Array, margins: Margins) -> Array:
    """Return `x` with margins of zeros, in the scratch memory `name`."""
    (top, bottom), (left, right) = sides(margins)
    n, height, width, channels = x.shape
    whole = ctx.empty(name, (n, top + height + bottom, left + width + right, channels))
    whole[:, :top] = 0
    whole[:, top + height :] = 0
    whole[:, :, :left] = 0
    whole[:, :, left + width :] = 0
    inside(whole, margins)[...] = x
    return whole

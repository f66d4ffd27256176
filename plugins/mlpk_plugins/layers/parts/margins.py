"""Rows and columns at the borders of images (n, height, width, channels)."""

from __future__ import annotations

from mlpk import Context
from mlpk.arrays import Array
from mlpk_plugins.layers.parts.image_fields import Margins, sides


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

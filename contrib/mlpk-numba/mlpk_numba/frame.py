"""Images with zeros around them."""

from __future__ import annotations

from mlpk import Context
from mlpk.arrays import Array, frozen_view

from mlpk_numba.kernel import shared
from mlpk_numba.read_only import read_only
from mlpk_numba.sharing import share_out

__all__ = ["Sides", "framed", "plain"]

Sides = tuple[tuple[int, int], tuple[int, int]]  # zeros above and below, left and right


def plain(ctx: Context, name: str, x: Array) -> Array:
    """Return an array in C order and the network's dtype, in which tiles read it."""
    if x.dtype == ctx.dtype:
        return read_only(ctx, name, x)
    copy = ctx.empty(name, x.shape)
    copy[...] = x
    return frozen_view(copy)


def framed(ctx: Context, name: str, x: Array, sides: Sides) -> Array:
    """Return `plain` images with zeros above and below, left and right; a copy only if need be."""
    (top, bottom), (left, right) = sides
    if not (top or bottom or left or right):
        return x
    n, height, width, channels = x.shape
    frame = ctx.empty(name, (n, top + height + bottom, left + width + right, channels))
    rows, frame_rows = x.reshape(n, height, -1), frame.reshape(n, frame.shape[1], -1)
    share_out(_copy, n, frame.nbytes, rows, top, left * channels, frame_rows)
    return frame


@shared
def _copy(first: int, stop: int, x: Array, top: int, left: int, frame: Array) -> None:
    """Copy images whose rows of pixels lie in one piece, (n, height, width * channels)."""
    _, height, width = x.shape
    for n in range(first, stop):
        for p in range(frame.shape[1]):
            row, inside = frame[n, p], top <= p < top + height
            for k in range(left if inside else row.size):
                row[k] = 0
            if inside:
                given, target = x[n, p - top], row[left : left + width]
                for k in range(width):
                    target[k] = given[k]
                for k in range(left + width, row.size):
                    row[k] = 0

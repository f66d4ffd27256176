"""Columns of windows as strips of memory: what windows one above the other share lies there once.

Windows must not be dilated downwards; then they follow each other within the strip of their column.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlpk import Context
from mlpk.arrays import Array
from mlpk_plugins.layers.parts.grid import Grid, Pieces


class Piece(NamedTuple):
    """Some rows of the windows on some images, all with groups as their first axis."""

    seen: Array  # (groups, images, columns, height, kw, c_in / groups), a view of the frame
    strips: Array  # memory for that in C order
    windows: Array  # (groups, images, rows, columns, kh * kw * c_in / groups), a view of the strips
    y: Array  # (groups, images, rows, columns, c_out / groups), where their products go


class Framed(NamedTuple):
    """Images, their place in memory that is 0 around them, and the pieces of their windows."""

    images: tuple[slice, ...]
    inside: Array
    pieces: list[Piece]


def framed_strips(
    ctx: Context, grid: Grid, pieces: Pieces, groups: int, channels: int, y: Array
) -> list[Framed]:
    """Return views for all pieces, made once for as long as grid, pieces and y are the same objects.

    All pieces have the same memory, of which nobody else writes what is around the images.
    """

    def make(grid: Grid, pieces: Pieces, y: Array) -> list[Framed]:
        most = max(images.stop - images.start for images, _ in pieces)
        frame = ctx.empty("padded", (most, *grid.around, channels))
        frame.fill(0)
        frames = [frame[: images.stop - images.start] for images, _ in pieces]
        seen = [
            [_seen(grid, its_frame, rows, groups) for rows in each]
            for its_frame, (_, each) in zip(frames, pieces, strict=True)
        ]
        memory = ctx.empty("strips", (max(view.size for views in seen for view in views),))
        parted = y.reshape(*y.shape[:3], groups, -1).transpose(3, 0, 1, 2, 4)
        return [
            Framed(
                (images, *grid.framed_part),
                grid.inside(its_frame),
                [
                    _piece(grid, view, memory, parted[:, images, rows])
                    for view, rows in zip(views, each, strict=True)
                ],
            )
            for (images, each), its_frame, views in zip(pieces, frames, seen, strict=True)
        ]

    return ctx.views("framed strips", (grid, pieces, y), make)


def _seen(grid: Grid, frame: Array, rows: slice, groups: int) -> Array:
    """Return what lies between the first and the last of these rows of windows, by column."""
    down, across = grid.axes
    image, row, column, _ = frame.strides
    item = frame.itemsize  # an axis of length 1 may have any stride
    height = (rows.stop - rows.start - 1) * down.stride + down.size
    channels = frame.shape[-1] // groups
    return np.ndarray(
        (groups, len(frame), grid.outputs[1], height, across.size, channels),
        frame.dtype, frame, rows.start * down.stride * row,
        (channels * item, image, column * across.stride, row, column * across.dilation, item),
    )  # fmt: skip


def _piece(grid: Grid, seen: Array, memory: Array, y: Array) -> Piece:
    """Return the views of a piece; in memory, the windows of a column overlap."""
    strips: Array = memory[: seen.size].reshape(seen.shape)
    down = grid.axes[0]
    groups, n, columns, _, width, channels = seen.shape
    group, image, column, row, *_ = strips.strides
    windows: Array = np.ndarray(
        (groups, n, y.shape[2], columns, down.size * width * channels),
        strips.dtype, strips, 0, (group, image, row * down.stride, column, strips.itemsize),
    )  # fmt: skip
    return Piece(seen, strips, windows, y)

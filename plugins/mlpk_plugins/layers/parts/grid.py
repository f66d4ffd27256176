"""Windows on images of one size: where they lie, and the slices of memory they see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from itertools import product
from typing import TypeAlias

import attrs
from numpy.lib.stride_tricks import as_strided

from mlpk import Context
from mlpk.arrays import Array
from mlpk.workers import share
from mlpk_plugins.layers.parts.axis import Axis, Pads

# Images, each time with rows of windows: several images whole, or one and some of its rows at a time.
Pieces: TypeAlias = tuple[tuple[slice, tuple[slice, ...]], ...]

# Bytes of scratch that one piece of work may take: few enough to stay in the cache, and so many
# that calls cost little beside it (half as many cost 5 % of a 3 x 3 convolution's time).
PIECE = 2**22


def fitting(nbytes: int) -> int:
    """Return how many things of a size make a piece, 1 or more."""
    return max(1, PIECE // max(1, nbytes))


def each_piece(
    ctx: Context, n: int, image_bytes: int, work: Callable[[Context, slice], None]
) -> None:
    """Call work(ctx, images) for n images, each of so many bytes, piece by piece.

    Several threads may be at it at once, with scratch of their own.
    """

    def stretch(ctx: Context, images: slice) -> None:
        for piece in some_images(images, image_bytes):
            work(ctx, piece)

    share(ctx, n, fitting(image_bytes), stretch)


def some_images(images: slice, image_bytes: int) -> Iterator[slice]:
    """Yield images piece by piece, where each takes so many bytes of scratch."""
    step = fitting(image_bytes)
    for start in range(images.start, images.stop, step):
        yield slice(start, min(start + step, images.stop))


@attrs.frozen
class Grid:
    """All windows on images (n, height, width, channels) of one known size.

    `outputs` is how many windows there are down and across, `pads` what surrounds the image.
    """

    lengths: tuple[int, int]
    axes: tuple[Axis, Axis]
    pads: tuple[Pads, Pads]
    outputs: tuple[int, int]

    @cached_property
    def elements(self) -> int:
        """The elements of a window, channels aside."""
        return self.axes[0].size * self.axes[1].size

    @cached_property
    def padded(self) -> bool:
        """Whether there is any padding."""
        return self.pads != ((0, 0), (0, 0))

    @property
    def apart(self) -> bool:
        """Whether no two windows share a place."""
        return all(axis.stride >= axis.reach for axis in self.axes)

    @property
    def tiled(self) -> bool:
        """Whether each place, of the padding too, lies in one window and in no other."""
        return self.apart and all(
            outputs * axis.size == length + sum(pads)
            for axis, outputs, length, pads in zip(
                self.axes, self.outputs, self.lengths, self.pads, strict=True
            )
        )

    @cached_property
    def turned(self) -> Grid:
        """The windows on the outputs, one for each place of an image, that see what saw it.

        Strides must be 1. Padding below 0 cuts off outputs that saw padding alone.
        """
        down, across = (
            (axis.reach - 1 - before, axis.reach - 1 - after)
            for axis, (before, after) in zip(self.axes, self.pads, strict=True)
        )
        return Grid(self.outputs, self.axes, (down, across), self.lengths)

    def offsets(self) -> Iterator[tuple[int, int]]:
        """Yield the place (i, j) of each element in its window, row by row."""
        return product(range(self.axes[0].size), range(self.axes[1].size))

    def pieces(self, rows: slice, row_bytes: int) -> Pieces:
        """Return rows of windows, counted through all images, as images and their rows."""
        return _pieces(self.outputs[0], rows.start, rows.stop, fitting(row_bytes))

    def bands(self, row_bytes: int) -> Iterator[slice]:
        """Yield the rows of windows piece by piece: all at once if an image fits into a piece."""
        rows = self.outputs[0]
        step = fitting(row_bytes)
        return (slice(start, min(start + step, rows)) for start in range(0, rows, step))

    def framed(self, ctx: Context, x: Array, fill: float = 0.0) -> Array:
        """Return images with their padding around, copied to scratch; `x` itself if it has none."""
        frame = self.frame(ctx, "framed", x)
        if self.padded:
            frame.fill(fill)
            frame[self._inside] = x[(slice(None), *self.framed_part)]
        return frame

    def frame(self, ctx: Context, name: str, x: Array) -> Array:
        """Return scratch for images like `x` and their padding; `x` itself if there is none."""
        if not self.padded:
            return x
        return ctx.empty(name, (len(x), *self.around, x.shape[-1]), x.dtype)

    def inside(self, frame: Array) -> Array:
        """Return the view of framed images without their padding."""
        return frame[self._inside]

    def seen(self, frame: Array, i: int, j: int, rows: slice = slice(None)) -> Array:
        """Return what each window, in these rows of windows, has at (i, j): a view."""
        return self.seen_across(self.seen_down(frame, i)[:, rows], j)

    def seen_down(self, frame: Array, i: int) -> Array:
        """Return the rows of the frame that are the i-th of windows: a view."""
        down, top = self.axes[0], i * self.axes[0].dilation
        return frame[:, top : top + (self.outputs[0] - 1) * down.stride + 1 : down.stride]

    def seen_across(self, frame: Array, j: int) -> Array:
        """Return the columns of the frame that are the j-th of windows: a view."""
        across = self.axes[1]
        left = j * across.dilation
        return frame[:, :, left : left + (self.outputs[1] - 1) * across.stride + 1 : across.stride]

    def windows(self, frame: Array) -> Array:
        """Return all windows, (n, rows, columns, kh, kw, channels): a view."""
        down, across = self.axes
        first = self.seen(frame, 0, 0)
        _, row, column, _ = frame.strides
        n, height, width, channels = first.shape
        return as_strided(
            first,
            (n, height, width, down.size, across.size, channels),
            (
                *first.strides[:3],
                row * down.dilation,
                column * across.dilation,
                first.strides[3],
            ),
        )

    @cached_property
    def around(self) -> tuple[int, int]:
        """Height and width with the padding."""
        (top, bottom), (left, right) = self.pads
        height, width = self.lengths
        return top + height + bottom, left + width + right

    @cached_property
    def _inside(self) -> tuple[slice, ...]:
        """What of framed images is not padding."""
        return slice(None), *_without(self.around, self.pads)

    @cached_property
    def framed_part(self) -> tuple[slice, ...]:
        """What of an image is inside of the frame: padding below 0 cuts off."""
        return _without(self.lengths, tuple((-before, -after) for before, after in self.pads))


def _without(lengths: tuple[int, int], margins: tuple[Pads, ...]) -> tuple[slice, ...]:
    """Return what is not in the margins of an image, which has none where they are below 0."""
    axes = zip(lengths, margins, strict=True)
    return tuple(slice(max(0, a), length - max(0, b)) for length, (a, b) in axes)


@lru_cache(maxsize=256)  # the same object each time, by which `ctx.views` knows it
def _pieces(height: int, start: int, stop: int, step: int) -> Pieces:
    """Return rows from `start` to `stop`, at most `step` in a piece; an image has `height` rows."""
    pieces: list[tuple[slice, tuple[slice, ...]]] = []
    at = start
    while at < stop:
        image, row = divmod(at, height)
        left = stop - at
        if row == 0 and height <= min(step, left):
            images = min(step, left) // height
            pieces.append((slice(image, image + images), (slice(0, height),)))
            at += images * height
        else:
            end = min(height, row + left)
            starts = range(row, end, step)
            rows = tuple(slice(first, min(first + step, end)) for first in starts)
            pieces.append((slice(image, image + 1), rows))
            at += end - row
    return tuple(pieces)

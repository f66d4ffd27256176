"""Windows on images of one size: where they lie, and the slices of memory they see."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import attrs
import numpy as np
from numpy.lib.stride_tricks import as_strided

from mlpk import Context
from mlpk.arrays import Array
from mlpk_plugins.layers.parts.axis import Axis, Pads

# Bytes of scratch that one piece of work may take: few enough to stay in the cache, and enough for
# matrix products at full speed (half as many cost 5 % of a 3 x 3 convolution's time).
PIECE = 2**21


@attrs.frozen
class Grid:
    """All windows on images (n, height, width, channels) of one known size.

    `outputs` is how many windows there are down and across, `pads` what surrounds the image.
    """

    lengths: tuple[int, int]
    axes: tuple[Axis, Axis]
    pads: tuple[Pads, Pads]
    outputs: tuple[int, int]

    @property
    def elements(self) -> int:
        """The elements of a window, channels aside."""
        return self.axes[0].size * self.axes[1].size

    @property
    def padded(self) -> bool:
        """Whether there is any padding."""
        return self.pads != ((0, 0), (0, 0))

    def offsets(self) -> Iterator[tuple[int, int]]:
        """Yield the place (i, j) of each element in its window, row by row."""
        return product(range(self.axes[0].size), range(self.axes[1].size))

    def images(self, n: int, image_bytes: int) -> Iterator[slice]:
        """Yield n images piece by piece, where each takes so many bytes of scratch."""
        step = max(1, PIECE // max(1, image_bytes))
        return (slice(start, min(start + step, n)) for start in range(0, n, step))

    def bands(self, row_bytes: int) -> Iterator[slice]:
        """Yield the rows of windows piece by piece: all at once if an image fits into a piece."""
        rows = self.outputs[0]
        step = max(1, PIECE // max(1, row_bytes))
        return (slice(start, min(start + step, rows)) for start in range(0, rows, step))

    def framed(self, ctx: Context, x: Array, fill: float = 0.0) -> Array:
        """Return images with their padding around, copied to scratch; `x` itself if it has none."""
        frame = self.frame(ctx, "framed", x)
        if self.padded:
            frame.fill(fill)
            np.copyto(self.inside(frame), x)
        return frame

    def frame(self, ctx: Context, name: str, x: Array) -> Array:
        """Return scratch for images like `x` and their padding; `x` itself if there is none."""
        if not self.padded:
            return x
        height, width = (
            length + sum(pads) for length, pads in zip(self.lengths, self.pads, strict=True)
        )
        return ctx.empty(name, (len(x), height, width, x.shape[-1]), x.dtype)

    def inside(self, frame: Array) -> Array:
        """Return the view of framed images without their padding."""
        (top, _), (left, _) = self.pads
        height, width = self.lengths
        return frame[:, top : top + height, left : left + width]

    def seen(self, frame: Array, i: int, j: int, rows: slice = slice(None)) -> Array:
        """Return what each window, in these rows of windows, has at (i, j): a view."""
        down, across = self.axes
        first, stop, _ = rows.indices(self.outputs[0])
        top, left = i * down.dilation + first * down.stride, j * across.dilation
        bottom = top + (stop - first - 1) * down.stride + 1
        right = left + (self.outputs[1] - 1) * across.stride + 1
        return frame[:, top : bottom : down.stride, left : right : across.stride]

    def windows(self, frame: Array, rows: slice) -> Array:
        """Return the windows in these rows, (n, rows, columns, kh, kw, channels): a view."""
        down, across = self.axes
        first = self.seen(frame, 0, 0, rows)
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

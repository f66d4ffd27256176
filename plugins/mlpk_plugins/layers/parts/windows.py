"""Windows that slide over images, or over sequences, which are images of width 1."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

import attrs

from mlpk import ShapeError
from mlpk.declaration import Shape
from mlpk_plugins.layers.parts.axis import Axis, Pads
from mlpk_plugins.layers.parts.grid import Grid
from mlpk_plugins.layers.parts.image_fields import Padding, Padding1d, Pair, pair, sides

# A height of so little is rather the number of channels, in an image that has them first.
CHANNELS = (1, 3, 4)
Sides: TypeAlias = tuple[Pads | Literal["same"], Pads | Literal["same"]]


@attrs.frozen(cache_hash=True)
class Windows:
    """Windows down and across, for inputs of any size; messages call the two axes by their names."""

    down: Axis
    across: Axis
    names: tuple[str, str] = ("height", "width")

    @classmethod
    @lru_cache(maxsize=1024)
    def on_images(
        cls, kernel_size: Pair, strides: Pair, padding: Padding, dilation: Pair = 1
    ) -> Windows:
        """Return windows as the fields of a layer say, each for both axes or (height, width)."""
        down, across = zip(
            pair(kernel_size), pair(strides), pair(dilation), _sides(padding), strict=True
        )
        return cls(Axis(*down), Axis(*across))

    @classmethod
    @lru_cache(maxsize=1024)
    def on_sequences(
        cls, kernel_size: int, strides: int, padding: Padding1d, dilation: int = 1
    ) -> Windows:
        """Return windows along the steps of sequences (n, steps, 1, features)."""
        pads, _ = _sides((padding, (0, 0)) if isinstance(padding, tuple) else padding)
        return cls(Axis(kernel_size, strides, dilation, pads), Axis(1), ("steps", "width"))

    def outputs(self, height: int | None, width: int | None) -> Shape:
        """Return how many windows there are down and across; None where unknown."""
        try:
            return tuple(
                None if length is None else axis.outputs(length, name)
                for axis, length, name in zip(
                    (self.down, self.across), (height, width), self.names, strict=True
                )
            )
        except ShapeError as error:
            if height in CHANNELS and width is not None and width > height:
                hint = f". Channels come last: is {height} their number? Put them there: np.moveaxis(x, 1, -1)"
                raise ShapeError(error.problem + hint) from None
            raise

    def lengths(self, rows: int | None, columns: int | None, extra: Pair) -> Shape:
        """Return height and width on which so many windows lie, with `extra` at the end."""
        return tuple(
            None if outputs is None else axis.length(outputs, more)
            for axis, outputs, more in zip(
                (self.down, self.across), (rows, columns), pair(extra), strict=True
            )
        )

    def grid(self, height: int, width: int) -> Grid:
        """Return the windows on images of one known size."""
        return _grid(self, height, width)


@lru_cache(maxsize=1024)
def _grid(windows: Windows, height: int, width: int) -> Grid:
    down, across = windows.down, windows.across
    return Grid(
        (height, width),
        (down, across),
        (down.pads(height), across.pads(width)),
        (down.outputs(height, windows.names[0]), across.outputs(width, windows.names[1])),
    )


def _sides(padding: Padding) -> Sides:
    if padding == "same":
        return "same", "same"
    return sides(0 if padding == "valid" else padding)

"""Where windows lie on an image, as the fields of a layer say."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from mlpk_numba.compiled import compiled

__all__ = ["Axis", "axes", "seen"]


class Axis(NamedTuple):
    """Windows of `size` along an axis of `length`, `stride` apart, with padding before and after."""

    length: int
    size: int
    stride: int
    before: int
    after: int

    @property
    def outputs(self) -> int:
        """How many windows there are; none if the axis is too short for one."""
        return max(0, (self.length + self.before + self.after - self.size) // self.stride + 1)

    @property
    def sides(self) -> tuple[int, int]:
        """The padding on the way forward."""
        return self.before, self.after

    @property
    def sides_back(self) -> tuple[int, int]:
        """The padding of the output's gradient, if each place shall see all windows it was in."""
        return self.size - 1 - self.before, self.size - 1 - self.after


def axes(layer: Any, height: int, width: int) -> tuple[Axis, Axis]:
    """Return the windows down and across: `kernel_size`, `strides` (None: as these) and `padding`."""
    return _axes(layer.kernel_size, layer.strides, layer.padding, height, width)


@lru_cache(maxsize=256)  # asked anew with each pass
def _axes(
    kernel_size: Any, strides: Any, padding: Any, height: int, width: int
) -> tuple[Axis, Axis]:
    sizes = _pair(kernel_size)
    strides = sizes if strides is None else _pair(strides)
    if isinstance(padding, str):
        sides = [
            _same(*each) if padding == "same" else (0, 0)
            for each in zip((height, width), sizes, strides, strict=True)
        ]
    else:
        sides = [_pair(each) for each in _pair(padding)]
    down, across = zip((height, width), sizes, strides, sides, strict=True)
    return Axis(*down[:3], *down[3]), Axis(*across[:3], *across[3])


@compiled
def seen(axis: Axis, window: int) -> tuple[int, int]:
    """Return where a window begins and ends on the image, padding left out."""
    start = window * axis.stride - axis.before
    return max(0, start), min(axis.length, start + axis.size)


def _pair(given: Any) -> Any:
    """Return a number for both as two; two as they are."""
    return given if isinstance(given, tuple) else (given, given)


def _same(length: int, size: int, stride: int) -> tuple[int, int]:
    """Return the padding that gives ceil(length / stride) windows, an odd element after the end."""
    missing = max((-(-length // stride) - 1) * stride + size - length, 0)
    return missing // 2, missing - missing // 2

"""Windows along one axis."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from mlpk import ShapeError

# Elements added (before, after).
Pads: TypeAlias = tuple[int, int]


@attrs.frozen
class Axis:
    """Windows along one axis: `size` elements, `dilation` apart, `stride` from one to the next.

    `padding` is the number of elements added (before, after), or "same": as many as give
    ceil(length / stride) windows, an odd one of them after the end (ONNX: SAME_UPPER).
    """

    size: int
    stride: int = 1
    dilation: int = 1
    padding: Pads | Literal["same"] = (0, 0)

    @property
    def reach(self) -> int:
        """The elements from a window's first to its last."""
        return (self.size - 1) * self.dilation + 1

    def pads(self, length: int) -> Pads:
        """Return the padding (before, after) of an axis of `length`."""
        if self.padding != "same":
            return self.padding
        last = (-(-length // self.stride) - 1) * self.stride
        missing = max(last + self.reach - length, 0)
        return missing // 2, missing - missing // 2

    def outputs(self, length: int, name: str = "axis") -> int:
        """Return the number of windows on an axis of `length`; `name` is what messages call it."""
        padded = length + sum(self.pads(length))
        if padded < self.reach:
            dilated = f" that reaches over {self.reach}" if self.dilation > 1 else ""
            raise ShapeError(
                f"wanted a window no larger than its padded input, found a window of {self.size}"
                f"{dilated} on {padded} ({name} {length} and padding {padded - length}); take a "
                "smaller kernel_size or more padding"
            )
        return (padded - self.reach) // self.stride + 1

    def length(self, outputs: int, extra: int) -> int:
        """Return the length on which so many windows lie, and `extra` elements at its end."""
        if self.padding == "same":
            return outputs * self.stride
        whole, cut = (outputs - 1) * self.stride + self.reach + extra, sum(self.padding)
        if whole <= cut:
            raise ShapeError(
                f"wanted an output of length 1 or more, found {whole - cut}: {cut} of padding cut "
                f"off from {whole}; take less padding"
            )
        return whole - cut

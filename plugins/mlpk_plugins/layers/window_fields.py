"""The fields of layers whose windows slide over images or sequences."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from mlpk import ShapeError
from mlpk.declaration import Shape
from mlpk_plugins.layers.windows import Axis, Grid, Pads

Pair: TypeAlias = int | tuple[int, int]
# Numbers: all around, (height, width), or ((top, bottom), (left, right)).
Padding: TypeAlias = Literal["same", "valid"] | int | tuple[int, int] | tuple[Pads, Pads]
# Numbers along a sequence: at both ends, or (before, after).
Padding1d: TypeAlias = Literal["same", "valid"] | int | tuple[int, int]


def at_least_one(_: object, field: attrs.Attribute[Any], value: Pair | None) -> None:
    """Refuse a number, or a pair with a number, below 1."""
    _refuse_below(1, field.name, value)


def not_negative(_: object, field: attrs.Attribute[Any], value: Padding) -> None:
    """Refuse padding below 0."""
    _refuse_below(0, field.name, value)


def below_kernel(layer: Any, field: attrs.Attribute[Any], value: Padding) -> None:
    """Refuse padding below 0, or as large as the layer's windows: one could lie outside."""
    not_negative(layer, field, value)
    for size, pads in zip(pair(layer.kernel_size), _sides(value), strict=True):
        if pads != "same" and max(pads) >= size:
            raise ValueError(
                f"'{field.name}' must be smaller than the kernel_size of {size}, found {max(pads)}"
            )


def pair(value: Pair) -> tuple[int, int]:
    """Return a number for both axes as (height, width)."""
    return (value, value) if isinstance(value, int) else value


def image_axes(
    kernel_size: Pair, strides: Pair, padding: Padding, dilation: Pair = 1
) -> tuple[Axis, Axis]:
    """Return the axes down and across of windows on images."""
    pads = _sides(padding)
    down, across = (
        Axis(*numbers)
        for numbers in zip(pair(kernel_size), pair(strides), pair(dilation), pads, strict=True)
    )
    return down, across


def sequence_axes(
    kernel_size: int, strides: int, padding: Padding1d, dilation: int = 1
) -> tuple[Axis, Axis]:
    """Return the axes of windows on sequences, which are images of width 1."""
    pads = _sides((padding, (0, 0)) if isinstance(padding, tuple) else padding)[0]
    return Axis(kernel_size, strides, dilation, pads), Axis(1)


def refuse_no_images(x: Shape) -> None:
    """Refuse a shape of other than three axes."""
    if len(x) != 3:  # noqa: PLR2004 - height, width, channels
        raise ShapeError(f"wanted images (height, width, channels), found a shape {x}")


def refuse_no_sequences(x: Shape) -> None:
    """Refuse a shape of other than two axes."""
    if len(x) != 2:  # noqa: PLR2004 - steps, channels
        raise ShapeError(f"wanted sequences (steps, channels), found a shape {x}")


def image_outputs(axes: tuple[Axis, Axis], x: Shape) -> Shape:
    """Return the number of windows down and across an input of images; None where unknown."""
    refuse_no_images(x)
    return tuple(
        None if length is None else axis.outputs(length)
        for axis, length in zip(axes, x[:2], strict=True)
    )


def sequence_outputs(axes: tuple[Axis, Axis], x: Shape) -> Shape:
    """Return the number of windows along an input of sequences, as a tuple; None where unknown."""
    refuse_no_sequences(x)
    return (None if x[0] is None else axes[0].outputs(x[0]),)


def grid_on(axes: tuple[Axis, Axis], shape: tuple[int, ...]) -> Grid:
    """Return the windows on real images of a shape (n, height, width, channels)."""
    _, height, width, _ = shape
    return Grid.of(axes, (height, width))


def _sides(padding: Padding) -> tuple[Pads | Literal["same"], Pads | Literal["same"]]:
    if padding == "same":
        return "same", "same"
    if padding == "valid":
        return (0, 0), (0, 0)
    if isinstance(padding, int):
        return (padding, padding), (padding, padding)
    first, second = padding
    return _both(first), _both(second)


def _both(pads: int | Pads) -> Pads:
    return (pads, pads) if isinstance(pads, int) else pads


def _refuse_below(least: int, name: str, value: object) -> None:
    if isinstance(value, tuple):
        for item in value:
            _refuse_below(least, name, item)
    elif isinstance(value, int) and value < least:
        raise ValueError(f"'{name}' must be >= {least}, found {value}")

"""Fields of layers on images and sequences: numbers for both axes, and for all sides."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from mlpk_plugins.layers.parts.axis import Pads

Pair: TypeAlias = int | tuple[int, int]
# All around, (height, width), or ((top, bottom), (left, right)).
Margins: TypeAlias = int | tuple[int, int] | tuple[Pads, Pads]
Padding: TypeAlias = Literal["same", "valid"] | Margins
# Numbers along a sequence: at both ends, or (before, after).
Padding1d: TypeAlias = Literal["same", "valid"] | int | Pads


def at_least_one(_: object, field: attrs.Attribute[Any], value: Pair | None) -> None:
    """Refuse a number, or a pair with a number, below 1."""
    _refuse_below(1, field.name, value)


def not_negative(_: object, field: attrs.Attribute[Any], value: Padding) -> None:
    """Refuse margins below 0."""
    _refuse_below(0, field.name, value)


def below_kernel(layer: Any, field: attrs.Attribute[Any], value: Padding) -> None:
    """Refuse padding below 0, or as large as the layer's windows: one could lie outside."""
    not_negative(layer, field, value)
    if isinstance(value, str):
        return
    for size, pads in zip(pair(layer.kernel_size), sides(value), strict=True):
        if max(pads) >= size:
            raise ValueError(
                f"'{field.name}' must be smaller than the kernel_size of {size}, found {max(pads)}"
            )


def pair(value: Pair) -> tuple[int, int]:
    """Return a number for both axes as (height, width)."""
    return (value, value) if isinstance(value, int) else value


def sides(margins: Margins) -> tuple[Pads, Pads]:
    """Return ((top, bottom), (left, right))."""
    down, across = (margins, margins) if isinstance(margins, int) else margins
    return pair(down), pair(across)


def _refuse_below(least: int, name: str, value: object) -> None:
    if isinstance(value, tuple):
        for item in value:
            _refuse_below(least, name, item)
    elif isinstance(value, int) and value < least:
        raise ValueError(f"'{name}' must be >= {least}, found {value}")

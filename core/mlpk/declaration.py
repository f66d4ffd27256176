"""What a layer needs and gives, told before a byte is allocated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np

from mlpk.errors import ConfigError, ShapeError, shown
from mlpk_schemas.model import NAME

if TYPE_CHECKING:
    from mlpk.initializer import Initializer

__all__ = ["Buffer", "Declaration", "Param", "Shape", "known"]

# Without the batch axis; None is a length that is known only once data are there.
Shape: TypeAlias = tuple[int | None, ...]


def _lengths(instance: object, attribute: attrs.Attribute[Any], given: object) -> None:
    """Refuse a shape of an array that is no tuple of lengths."""
    if not isinstance(given, tuple) or not all(
        isinstance(n, int | np.integer) and n >= 0 for n in given
    ):
        where = f"{type(instance).__name__}.{attribute.name}"
        raise ConfigError(where, f"wanted a tuple of whole numbers from 0, found {shown(given)}")


def _in_and_out(_: object, __: attrs.Attribute[Any], given: object) -> None:
    """Refuse fans that are no two counts."""
    if given is not None and (
        not isinstance(given, tuple)
        or len(given) != 2  # noqa: PLR2004 - in and out
        or not all(isinstance(n, int | np.integer) and n >= 1 for n in given)
    ):
        problem = f"wanted (in, out), two whole numbers from 1, found {shown(given)}"
        raise ConfigError("Param.fans", problem)


def _number(_: object, __: attrs.Attribute[Any], given: object) -> None:
    """Refuse a dtype that NumPy does not know, or that holds no numbers."""
    try:
        kind = "f" if given is None else np.dtype(given).kind  # type: ignore[call-overload] # checked here
    except TypeError:
        kind = ""
    if kind not in tuple("biufc"):
        raise ConfigError("Buffer.dtype", f"wanted a dtype of numbers, found {shown(given)}")


def _output(given: Shape) -> Shape:
    """Return the shape of an output, or refuse what is none; first, as defaults depend on it."""
    if not isinstance(given, tuple) or not all(
        n is None or (isinstance(n, int | np.integer) and n >= 1) for n in given
    ):
        problem = (
            f"wanted a tuple of lengths from 1, or None for an unknown one, found {shown(given)}"
        )
        raise ConfigError("Declaration.output", problem)
    return given


@attrs.frozen
class Param:
    """A trained array: its shape, how its first values are drawn, whether weight decay applies.

    `init` is an initializer, its name, or a mapping. `fans` are (in, out) for the initializer,
    by default channels times receptive field of the last two axes. The optimizer leaves an array
    that is not `trainable` alone.
    """

    shape: tuple[int, ...] = attrs.field(validator=_lengths)
    init: Initializer | str | Mapping[str, Any]
    decay: bool = True
    fans: tuple[int, int] | None = attrs.field(default=None, validator=_in_and_out)
    trainable: bool = attrs.field(default=True, kw_only=True)

    @property
    def in_and_out(self) -> tuple[int, int]:
        """The fans, by default those of the last two axes."""
        if self.fans is not None:
            return self.fans
        if len(self.shape) < 2:  # noqa: PLR2004 - a vector or a scalar has no in and out
            return prod(self.shape), prod(self.shape)
        field = prod(self.shape[:-2])
        return field * self.shape[-2], field * self.shape[-1]


@attrs.frozen
class Buffer:
    """A remembered array, written by a training forward: shape, first value, dtype (the model's)."""

    shape: tuple[int, ...] = attrs.field(validator=_lengths)
    fill: float
    dtype: str | None = attrs.field(default=None, validator=_number)


def _described(_: object, attribute: attrs.Attribute[Any], given: Mapping[str, object]) -> None:
    """Refuse arrays that are not described by Param or Buffer, or whose names no file can hold."""
    wanted = Param if attribute.name == "params" else Buffer
    for name, item in given.items():
        if not isinstance(name, str) or not re.fullmatch(NAME, name):
            problem = f"wanted names of letters, digits and _ . -, found {shown(name)}"
            raise ConfigError(f"Declaration.{attribute.name}", problem)
        if not isinstance(item, wanted):
            problem = f"wanted a mlpk.{wanted.__name__}, found {shown(item)}"
            raise ConfigError(f"Declaration.{attribute.name}['{name}']", problem)


@attrs.frozen
class Declaration:
    """The output's shape, and the arrays of a layer by name.

    `min_rows` is how many rows a training batch needs at least. `positions` are the lengths of the
    axes along which each weight is multiplied with inputs, for a count of multiply-adds: all axes
    of the output but the last, unless said; (0,) where weights are not multiplied.
    """

    output: Shape = attrs.field(converter=_output)
    params: Mapping[str, Param] = attrs.field(factory=dict, validator=_described)
    buffers: Mapping[str, Buffer] = attrs.field(factory=dict, validator=_described)
    min_rows: int = attrs.field(default=1, kw_only=True)
    positions: Shape = attrs.field(kw_only=True)

    @positions.default
    def _of_output(self) -> Shape:
        return self.output[:-1]


def known(length: int | None) -> int:
    """Return a length that `declare` needs, or refuse an unknown one."""
    if length is None:
        raise ShapeError("wanted a known length on this axis, found None (unknown)")
    return length

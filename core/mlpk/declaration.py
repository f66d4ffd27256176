"""What a layer needs and gives, told before a byte is allocated."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from mlpk.errors import ConfigError, ShapeError, shown

if TYPE_CHECKING:
    from mlpk.initializer import Initializer

__all__ = ["Buffer", "Declaration", "Param", "Shape", "known"]

# Without the batch axis; None is a length that is known only once data are there.
Shape: TypeAlias = tuple[int | None, ...]


@attrs.frozen
class Param:
    """A trained array: its shape, how its first values are drawn, whether weight decay applies.

    `init` is an initializer, its name, or a mapping. `fans` are (in, out) for the initializer,
    by default channels times receptive field of the last two axes. The optimizer leaves an array
    that is not `trainable` alone.
    """

    shape: tuple[int, ...]
    init: Initializer | str | Mapping[str, Any]
    decay: bool = True
    fans: tuple[int, int] | None = None
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

    shape: tuple[int, ...]
    fill: float
    dtype: str | None = None


def _described(_: object, attribute: attrs.Attribute[Any], given: Mapping[str, object]) -> None:
    """Refuse arrays that are not described by Param or Buffer."""
    wanted = Param if attribute.name == "params" else Buffer
    for name, item in given.items():
        if not isinstance(item, wanted):
            problem = f"wanted a mlpk.{wanted.__name__}, found {shown(item)}"
            raise ConfigError(f"Declaration.{attribute.name}['{name}']", problem)


@attrs.frozen
class Declaration:
    """The output's shape, and the arrays of a layer by name.

    `min_rows` is how many rows a training batch needs at least.
    """

    output: Shape
    params: Mapping[str, Param] = attrs.field(factory=dict, validator=_described)
    buffers: Mapping[str, Buffer] = attrs.field(factory=dict, validator=_described)
    min_rows: int = attrs.field(default=1, kw_only=True)


def known(length: int | None) -> int:
    """Return a length that `declare` needs, or refuse an unknown one."""
    if length is None:
        raise ShapeError("wanted a known length on this axis, found None (unknown)")
    return length

"""Fields that name an axis, which must not be that of the batch."""

from __future__ import annotations

from typing import Any

from attrs import Attribute


def not_the_batch(_: object, attribute: Attribute[Any], axes: int | tuple[int, ...]) -> None:
    """Refuse the batch axis, whose rows belong to different examples."""
    if 0 in (axes if isinstance(axes, tuple) else (axes,)):
        raise ValueError(
            f"'{attribute.name}' 0 is the batch; count from 1, or from the end with -1"
        )

"""Piecewise."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar

import attrs
from attrs import field

from mlpk import Example, Schedule, define


def _rising(_: object, __: attrs.Attribute[tuple[int, ...]], boundaries: tuple[int, ...]) -> None:
    for before, after in pairwise((0, *boundaries)):
        if after <= before:
            raise ValueError(f"wanted numbers that rise, from 1, found {after} after {before}")


def _one_a_piece(
    schedule: Piecewise, _: attrs.Attribute[tuple[float, ...]], values: tuple[float, ...]
) -> None:
    pieces = len(schedule.boundaries) + 1
    if len(values) != pieces:
        raise ValueError(
            f"wanted {pieces} values, one more than there are boundaries, found {len(values)}"
        )
    if min(values) < 0:
        raise ValueError(f"wanted rates >= 0, found {min(values)}")


@define
class Piecewise(Schedule):
    """lr(t) = values[i], where i counts the boundaries <= t: constant between the boundaries.

    The first boundaries[0] updates take values[0]. The boundaries rise and are >= 1; there is one
    value more than boundaries, each >= 0.
    """

    kind: ClassVar[str] = "piecewise"

    boundaries: tuple[int, ...] = field(validator=_rising)
    values: tuple[float, ...] = field(validator=_one_a_piece)

    def at(self, t: int) -> float:
        return self.values[bisect_right(self.boundaries, t)]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(boundaries=(2, 5), values=(0.1, 0.01, 0.001)))

"""Rows to train on."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from numpy.typing import NDArray

__all__ = ["Rows"]

Array = NDArray[Any]


class Rows(NamedTuple):
    """Inputs, targets, and what each row counts; None: all alike."""

    x: Array
    y: Array
    weight: Array | None

    @classmethod
    def of(cls, x: Array, y: Array, weight: Array | None) -> Self:
        """Return the rows whose weight is not 0: those of weight 0 are as if they were not there."""
        rows = cls(x, y, weight)
        return rows if weight is None else rows.at(weight > 0)

    def at(self, places: Array) -> Self:
        """Return some of the rows."""
        weight = None if self.weight is None else self.weight[places]
        return self._replace(x=self.x[places], y=self.y[places], weight=weight)

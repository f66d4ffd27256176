"""The interface of learning rates that change."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from mlpk.kind import Kind

__all__ = ["Schedule"]


class Schedule(Kind):
    """A learning rate as a function of the updates already made."""

    family: ClassVar[str] = "schedules"

    @abstractmethod
    def at(self, t: int) -> float:
        """Return the rate of the next update, after `t` updates (from 0)."""

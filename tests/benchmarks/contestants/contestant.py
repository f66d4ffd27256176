"""What a contestant is: a library at work on one workload."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from workload import Workload

__all__ = ["Contestant", "Ran"]


class Ran(NamedTuple):
    """How many steps were run, and the loss of the last; None of predictions."""

    steps: int
    loss: float | None


class Contestant(ABC):
    """A library set up as those who know it would, on `threads` threads, in a process of its own."""

    @staticmethod
    @abstractmethod
    def lacks(workload: Workload) -> str | None:
        """Return what keeps the library from this workload, None if nothing does."""

    @abstractmethod
    def __init__(self, workload: Workload, threads: int) -> None:
        """Build the network and lay the data ready."""

    @property
    @abstractmethod
    def parameters(self) -> int:
        """The number of weights that are trained."""

    @abstractmethod
    def run(self, steps: int) -> Ran:
        """Run so many steps, or a few more where the library stops at the end of an epoch only."""

    def kernels(self) -> str:
        """Return which instructions the library's kernels were chosen for, "" where BLAS tells."""
        return ""

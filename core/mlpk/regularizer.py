"""The interface of penalties on parameters."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from mlpk.arrays import Array
from mlpk.kind import Kind

__all__ = ["Regularizer"]


class Regularizer(Kind):
    """A penalty on the parameters that declare decay, added to the loss. A sum over elements."""

    family: ClassVar[str] = "regularizers"

    @abstractmethod
    def penalty(self, param: Array) -> float:
        """Return the penalty of one array."""

    @abstractmethod
    def add_gradient(self, param: Array, grad: Array) -> None:
        """Add the penalty's gradient to `grad`, in place."""

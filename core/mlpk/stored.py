"""Arrays of a file as a migration sees them: described, before a byte of them is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import attrs
import numpy as np
from numpy.typing import DTypeLike

from mlpk.arrays import Array
from mlpk.errors import ShapeError, shown

__all__ = ["Made", "Stored", "Tensor", "computed", "filled", "joined"]


@attrs.frozen
class Stored(ABC):
    """An array with a shape and a dtype, and how to make it of a file's tensors.

    `moves` tells that each of its elements is one of a tensor's, unchanged: the same steps then
    hold for the slots that an optimizer keeps beside a parameter. Two of them are equal if they
    are made in the same way.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    @abstractmethod
    def sources(self) -> tuple[str, ...]:
        """The tensors that it is made of, in the order of their first use."""

    @property
    @abstractmethod
    def moves(self) -> bool:
        """Whether its elements are those of its sources, each as it was."""

    @abstractmethod
    def taken(self, tensors: Mapping[str, Array]) -> Array:
        """Return the array, made of the tensors by name; it may be a view of one of them."""

    @abstractmethod
    def renamed(self, name: Callable[[str], str]) -> Stored:
        """Return the same, made of tensors of other names."""

    def part(self, start: int, stop: int, axis: int = -1) -> Stored:
        """Return the elements from `start` up to `stop` on an axis."""
        axis = _axis(self, axis)
        if not 0 <= start <= stop <= self.shape[axis]:
            problem = f"wanted a part of {self.shape[axis]} on axis {axis}, found {start}:{stop}"
            raise ShapeError(problem)
        shape = (*self.shape[:axis], stop - start, *self.shape[axis + 1 :])
        return Made(shape, self.dtype, _part, (self,), (start, stop, axis), moves=True)

    def split(self, count: int, axis: int = -1) -> tuple[Stored, ...]:
        """Return `count` parts of the same length on an axis, in order."""
        length = self.shape[_axis(self, axis)]
        if count < 1 or length % count:
            raise ShapeError(f"wanted a length that is a multiple of {count}, found {length}")
        each = length // count
        return tuple(self.part(at * each, (at + 1) * each, axis) for at in range(count))

    def transposed(self, *axes: int) -> Stored:
        """Return it with its axes in another order; reversed if none is given."""
        order = axes or tuple(range(len(self.shape)))[::-1]
        if sorted(order) != list(range(len(self.shape))):
            raise ShapeError(f"wanted each axis of {self.shape} once, found {shown(order)}")
        shape = tuple(self.shape[axis] for axis in order)
        return Made(shape, self.dtype, np.transpose, (self,), (order,), moves=True)

    def reshaped(self, *shape: int) -> Stored:
        """Return it in another shape of as many elements, in C order."""
        if prod(shape) != prod(self.shape) or min(shape, default=0) < 0:
            raise ShapeError(f"wanted as many elements as {self.shape} has, found {shape}")
        return Made(shape, self.dtype, np.reshape, (self,), (shape,), moves=True)


@attrs.frozen
class Tensor(Stored):
    """A tensor of the file, as it stands there."""

    name: str

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def moves(self) -> bool:
        return True

    def taken(self, tensors: Mapping[str, Array]) -> Array:
        return tensors[self.name]

    def renamed(self, name: Callable[[str], str]) -> Tensor:
        return attrs.evolve(self, name=name(self.name))


@attrs.frozen
class Made(Stored):
    """function(*parts, *arguments)."""

    function: Callable[..., Array]
    parts: tuple[Stored, ...]
    arguments: tuple[Any, ...]
    _moves: bool = attrs.field(kw_only=True, alias="moves")

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.sources))

    @property
    def moves(self) -> bool:
        return self._moves and all(part.moves for part in self.parts)

    def taken(self, tensors: Mapping[str, Array]) -> Array:
        made = np.asarray(
            self.function(*(part.taken(tensors) for part in self.parts), *self.arguments)
        )
        if made.shape != self.shape or made.dtype != self.dtype:
            raise ShapeError(
                f"wanted {self.dtype} of shape {self.shape} from {self.function.__name__}, "
                f"found {made.dtype} of shape {made.shape}"
            )
        return made

    def renamed(self, name: Callable[[str], str]) -> Made:
        return attrs.evolve(self, parts=tuple(part.renamed(name) for part in self.parts))


def joined(parts: Sequence[Stored], axis: int = -1) -> Stored:
    """Return arrays one after the other on an axis that they have."""
    first = parts[0]
    axis = _axis(first, axis)
    for part in parts:
        rest = (*part.shape[:axis], *part.shape[axis + 1 :])
        if rest != (*first.shape[:axis], *first.shape[axis + 1 :]) or part.dtype != first.dtype:
            problem = f"wanted arrays that fit on axis {axis}, found {first.shape} and {part.shape}"
            raise ShapeError(problem)
    length = sum(part.shape[axis] for part in parts)
    shape = (*first.shape[:axis], length, *first.shape[axis + 1 :])
    return Made(shape, first.dtype, _joined, tuple(parts), (axis,), moves=True)


def computed(
    function: Callable[..., Array], *parts: Stored, shape: tuple[int, ...] | None = None
) -> Stored:
    """Return function(*parts), of the first one's dtype, and of its shape unless told otherwise.

    What belongs to an array's elements, such as an optimizer's slots, is lost with it: a run
    whose parameters are computed cannot be resumed.
    """
    first = parts[0]
    made = first.shape if shape is None else shape
    return Made(made, first.dtype, function, parts, (), moves=False)


def filled(shape: tuple[int, ...], value: float, dtype: DTypeLike) -> Stored:
    """Return an array of one value, for what an earlier schema did not have."""
    made = np.dtype(dtype)
    return Made(shape, made, np.full, (), (shape, value, made), moves=False)


def _axis(array: Stored, axis: int) -> int:
    rank = len(array.shape)
    if not -rank <= axis < rank:
        raise ShapeError(f"wanted an axis of the shape {array.shape}, found {axis}")
    return axis % rank


def _part(array: Array, start: int, stop: int, axis: int) -> Array:
    return array[(slice(None),) * axis + (slice(start, stop),)]


def _joined(*given: Any) -> Array:
    *arrays, axis = given
    return np.concatenate(arrays, axis)

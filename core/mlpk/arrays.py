"""Arenas: one flat vector per role, and named views into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mlpk.errors import ConfigError, ShapeError, UnknownArrayError, listing, nearest

__all__ = ["LINE", "Arena", "Array", "Arrays", "Grads", "Named", "Views", "aligned", "frozen_view"]

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]
Grads: TypeAlias = Mapping[str, Array]

LINE = 64  # bytes of the processor's cache


class Arena:
    """Arrays of one dtype, laid end to end in one contiguous vector.

    `flat` is the vector, `views[name]` an array in it, `spans[name]` its (start, stop) there.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: DTypeLike) -> None:
        self.spans: dict[str, tuple[int, int]] = {}
        stop = 0
        for name, shape in shapes.items():
            self.spans[name] = (stop, stop + prod(shape))
            stop += prod(shape)
        self.flat: Array = _zeros(stop, np.dtype(dtype), shapes)
        self.views: dict[str, Array] = {
            name: self.flat[slice(*self.spans[name])].reshape(shape)
            for name, shape in shapes.items()
        }

    def like(self) -> Arena:
        """Return another arena of the same layout, all zero."""
        return Arena({name: view.shape for name, view in self.views.items()}, self.flat.dtype)

    def runs(self, names: Iterable[str]) -> list[tuple[int, int]]:
        """Return the (start, stop) of each unbroken stretch that the named arrays cover."""
        runs: list[tuple[int, int]] = []
        for start, stop in sorted(self.spans[name] for name in names):
            if runs and runs[-1][1] == start:
                runs[-1] = (runs[-1][0], stop)
            elif stop > start:
                runs.append((start, stop))
        return runs


class Views(dict[str, Array]):
    """A node's arrays by its own names; assigning to a name writes into the array."""

    def __setitem__(self, name: str, value: Any) -> None:
        np.copyto(self[name], value)


def aligned(make: Callable[[int, np.dtype[Any]], Array], size: int, dtype: np.dtype[Any]) -> Array:
    """Return a vector that begins at a line of the cache, out of a longer one that `make` makes.

    Wide instructions that reach over two lines take about a tenth longer.
    """
    spare = LINE // dtype.itemsize
    vector = make(size + spare, dtype)
    first = -vector.__array_interface__["data"][0] % LINE // dtype.itemsize
    return vector[first : first + size]


def _zeros(size: int, dtype: np.dtype[Any], shapes: Mapping[str, tuple[int, ...]]) -> Array:
    try:
        return aligned(np.zeros, size, dtype)
    except (MemoryError, ValueError):
        largest = max(shapes, key=lambda name: prod(shapes[name]))
        gigabytes = dtype.itemsize / 2**30
        raise ShapeError(
            f"of shape {shapes[largest]} it takes {prod(shapes[largest]) * gigabytes:,.1f} of the "
            f"{size * gigabytes:,.1f} GiB that all such arrays take as {dtype}, more memory than "
            "there is; make the network smaller",
            largest,
        ) from None


class Named(Mapping[str, Array]):
    """The arrays of a network under their names, "node/array".

    An array is changed in place (`params["dense/weight"][:] = ...`); assigning to the name does
    the same, with the shape checked.
    """

    def __init__(self, role: str, views: Mapping[str, Array]) -> None:
        self._role = role
        self._views = views

    def __getitem__(self, name: str) -> Array:
        return self._views[self._known(name)]

    def __setitem__(self, name: str, value: Any) -> None:
        view = self._views[self._known(name)]
        given = np.asarray(value)
        if given.shape != view.shape:
            raise ShapeError(f"wanted shape {view.shape}, found {given.shape}", name)
        if not view.flags.writeable:
            raise ConfigError(name, "is mapped from a file, read-only; load it without mmap")
        view[...] = given

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        rows = (f"{name}: {view.dtype}{list(view.shape)}" for name, view in self._views.items())
        return f"<{self._role}: {', '.join(rows)}>"

    def _known(self, name: str) -> str:
        if name not in self._views:
            raise UnknownArrayError(
                f"there is no array '{name}' in {self._role}.{nearest(str(name), self._views)} "
                f"There are: {listing(self._views)}"
            )
        return name


def frozen_view(array: Array) -> Array:
    """Return a view of an array that cannot be written through."""
    view = array.view()
    view.setflags(write=False)
    return view

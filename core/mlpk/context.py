"""What a layer gets from outside while it runs: mode, random numbers, scratch memory."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from operator import is_
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from mlpk.arrays import Array, aligned
from mlpk.errors import ShapeError
from mlpk.streams import stream

__all__ = ["Context"]

T = TypeVar("T")


class Context:
    """The surroundings of one node in one pass.

    `training` tells the mode; `needs_input_grad[i]` whether anybody reads the gradient of input
    i; `rng` is the node's generator for this step, made when first asked for.
    """

    def __init__(
        self,
        dtype: DTypeLike,
        *,
        seed: int = 0,
        name: str = "",
        training: bool = True,
        needs_input_grad: tuple[bool, ...] = (True,),
        spoil: bool = False,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.training = training
        self.needs_input_grad = needs_input_grad
        self.step = 0
        self.seed = seed
        self._purpose = f"node/{name}"
        self._spoil = spoil
        self._rng: np.random.Generator | None = None
        self._memory: dict[str, Array] = {}
        self._views: dict[str, tuple[tuple[int, ...], DTypeLike | None, Array]] = {}
        self._made: dict[str, tuple[tuple[Any, ...], Any]] = {}

    @property
    def rng(self) -> np.random.Generator:
        """The generator derived from (seed, node, step)."""
        if self._rng is None:
            self._rng = stream(self.seed, self._purpose, self.step)
        return self._rng

    def begin(self, step: int, *, training: bool) -> None:
        """Enter a forward: its mode, and the step that random numbers are derived from."""
        self.training = training
        self.step = step
        self._rng = None

    def empty(self, name: str, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
        """Return scratch memory of this pass, its contents undefined, the dtype the model's.

        The same name gives the same memory again, which only grows: what must survive the
        node's next forward or backward needs a name of its own.
        """
        held = self._views.get(name)
        if held is None or held[0] != shape or held[1] is not dtype:
            held = (shape, dtype, self._view(name, shape, np.dtype(dtype or self.dtype)))
            self._views[name] = held
        if self._spoil:
            held[2].fill(np.nan if held[2].dtype.kind in "fc" else 1)
        return held[2]

    def contiguous(self, name: str, x: Array) -> Array:
        """Return `x` itself if it lies in C order, else a copy in the scratch memory `name`.

        So that `reshape` gives a view and nothing is allocated, and a product goes straight to BLAS.
        """
        if x.flags.c_contiguous:
            return x
        copy = self.empty(name, x.shape, x.dtype)
        np.copyto(copy, x)
        return copy

    def matrix(self, name: str, x: Array) -> Array:
        """Return `x` (..., n) as rows of n in C order: `x` itself, or a view of it or of a copy."""
        if x.ndim == 2 and x.flags.c_contiguous:  # noqa: PLR2004 - rows and columns
            return x
        return self.contiguous(name, x).reshape(-1, x.shape[-1])

    def views(self, name: str, given: tuple[Any, ...], make: Callable[..., T]) -> T:
        """Return what `make` makes of scratch memory, as it made it of these very objects before.

        For views by the hundred, as loops over steps take them, which last as long as the shapes.
        """
        held = self._made.get(name)
        if held is None or len(held[0]) != len(given) or not all(map(is_, held[0], given)):
            held = self._made[name] = (given, make(*given))
        return held[1]

    def inner(self, name: str) -> Context:
        """Return what a layer that this node's layer wraps gets instead, for one call.

        Mode, step and random numbers are the same, `needs_input_grad` too unless it is set; its
        scratch memory is this context's, but lies under names of its own.
        """
        return _Inner(self, name)

    def _view(self, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
        size = prod(shape)
        memory = self._memory.get(name)
        if memory is None or memory.size < size or memory.dtype != dtype:
            memory = self._memory[name] = _allocated(size, dtype, shape)
        return memory[:size].reshape(shape)


class _Inner(Context):
    """The context of a node for a layer inside the node's own; it holds no memory."""

    def __init__(self, outer: Context, name: str) -> None:
        super().__init__(
            outer.dtype,
            seed=outer.seed,
            training=outer.training,
            needs_input_grad=outer.needs_input_grad,
        )
        self.step = outer.step
        self._outer = outer
        self._name = name

    @property
    def rng(self) -> np.random.Generator:
        return self._outer.rng

    def empty(self, name: str, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
        return self._outer.empty(f"{self._name}/{name}", shape, dtype)

    def views(self, name: str, given: tuple[Any, ...], make: Callable[..., T]) -> T:
        return self._outer.views(f"{self._name}/{name}", given, make)


def _allocated(size: int, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> Array:
    try:
        return aligned(np.empty, size, dtype)
    except (MemoryError, ValueError):
        gigabytes = size * dtype.itemsize / 2**30
        raise ShapeError(
            f"an array of shape {shape} takes {gigabytes:,.1f} GiB, more memory than there is"
        ) from None

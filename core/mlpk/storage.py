"""The arrays of a network: parameters and gradients in flat vectors, buffers beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from mlpk.arrays import Arena, Array
from mlpk.errors import GraphError, ShapeError
from mlpk.initializer import draw_into

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlpk.declaration import Buffer
    from mlpk.graph import Graph

__all__ = ["Storage"]


class Storage:
    """What a model and its submodels share.

    `arena` and `grads` are None where the arrays lie elsewhere (mapped from a file, or behind
    unknown nodes): such a model predicts and inspects, and is not trained.
    """

    def __init__(
        self, params: Mapping[str, Array], buffers: Mapping[str, Array], arena: Arena | None
    ) -> None:
        self.params = dict(params)
        self.buffers = dict(buffers)
        self.arena = arena
        self.mapped_from: Path | None = None
        self._grads: Arena | None = None

    @classmethod
    def empty(cls, graph: Graph) -> Self:
        """Return zeros for every parameter, and the first values of the buffers.

        Parameters that decay lie before those that don't, so that each group is one stretch.
        """
        names = sorted(graph.params, key=lambda name: not graph.params[name].decay)
        arena = Arena({name: graph.params[name].shape for name in names}, graph.dtype)
        buffers = {
            name: _filled(name, buffer, graph.dtype) for name, buffer in graph.buffers.items()
        }
        return cls({name: arena.views[name] for name in graph.params}, buffers, arena)

    @classmethod
    def drawn(cls, graph: Graph, seed: int) -> Self:
        """Return first values, those of the parameters drawn from a stream of its own for each."""
        storage = cls.empty(graph)
        for name, param in graph.params.items():
            draw_into(storage.params[name], param, name, seed)
        return storage

    def refuse_untrainable(self) -> None:
        """Refuse arrays that are no vector of their own, to which an optimizer could write."""
        if self.arena is None:
            mapped = self.mapped_from
            reason = (
                f"its arrays are mapped from {mapped}; load it without mmap"
                if mapped is not None
                else "the kinds of some nodes are not active here; load it where they are"
            )
            raise GraphError(f"this model cannot be trained: {reason}")

    @property
    def grads(self) -> Arena | None:
        """The gradients, laid out like the parameters; allocated when first asked for."""
        if self._grads is None and self.arena is not None:
            self._grads = self.arena.like()
        return self._grads


def _filled(name: str, buffer: Buffer, dtype: str) -> Array:
    """Return a buffer with its first value in each place."""
    dtype = buffer.dtype or dtype
    try:
        with np.errstate(over="raise", invalid="raise"):
            return np.full(buffer.shape, buffer.fill, dtype)
    except (MemoryError, ValueError, TypeError, ArithmeticError) as error:
        raise ShapeError(
            f"wanted an array of shape {buffer.shape}, {dtype}, full of {buffer.fill!r}, but: {error}",
            name,
        ) from None

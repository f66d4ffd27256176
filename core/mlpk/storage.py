"""The arrays of a network: parameters and gradients in flat vectors, buffers beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from mlpk.arrays import Arena, Array
from mlpk.errors import ShapeError
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

    def draw(self, graph: Graph, seed: int) -> None:
        """Draw the first values of the parameters, each from a stream of its own."""
        for name, param in graph.params.items():
            draw_into(self.params[name], param, name, seed)

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

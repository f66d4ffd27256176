"""Stages: nodes as a pass runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk.arrays import Array, Arrays, Views, frozen_view
from mlpk.choice import by, method
from mlpk.context import Context
from mlpk.errors import DataError, MlpkError, PluginError, ShapeError, shown, told

if TYPE_CHECKING:
    from mlpk.choice import Choice
    from mlpk.declaration import Shape
    from mlpk.graph import Node
    from mlpk.storage import Storage

__all__ = ["Stage"]


class Stage:
    """A node as a pass runs it. Parameters come as read-only views: the optimizer writes them."""

    def __init__(self, node: Node, storage: Storage, ctx: Context, *, writable: bool) -> None:
        self.node = node
        self.name = node.name
        self.feeds = node.inputs
        self.ctx = ctx
        self.reads: list[tuple[int, str]] = []
        params = {local: frozen_view(storage.params[name]) for local, name in node.params.items()}
        buffers = {
            local: storage.buffers[name] if writable else frozen_view(storage.buffers[name])
            for local, name in node.buffers.items()
        }
        self.arrays = Views({**params, **buffers})
        self.grads = Views()
        self.added: list[tuple[Array, Array]] = []
        self.runs_backward = True
        self.saved: Any = None

    def choose(self, choice: Choice, shapes: Sequence[Shape | None]) -> None:
        """Take what computes the node: its layer, or faster functions for that."""
        layer = self.node.layer
        found = choice.of(layer, shapes, self.ctx.dtype)
        self.forward = method(layer, found, "forward")
        self.backward = method(layer, found, "backward")
        self._by = by(found)
        self._proven_for: tuple[bool, ...] | None = None
        self.proven = False

    def prove(self, result: object) -> None:
        """Refuse, the first time, what is not an output of the declared shape with what is saved."""
        where = self._where("forward")
        if not isinstance(result, tuple) or len(result) != 2:  # noqa: PLR2004 - output and saved
            raise ShapeError(f"wanted (output, saved), found {shown(result)}", where)
        declared, found = self.node.shape, np.shape(result[0])
        fits = declared is None or (
            len(found) == len(declared) + 1
            and all(n in (None, m) for n, m in zip(declared, found[1:], strict=True))
        )
        if not fits:
            raise ShapeError(f"declared was the shape (rows, *{declared}), found {found}", where)
        self.proven = True

    def back(self, doutput: Array, values: Arrays) -> tuple[Array | None, ...]:
        """Write the node's gradients, and return one an input, None where it has none.

        `values` are what the inputs were, by the names of the nodes that feed it.
        """
        try:
            dinputs = self.backward(self.arrays, self.ctx, self.saved, doutput, self.grads)
        except Exception as error:
            self.tell(error, "backward")
            raise
        for total, grad in self.added:
            np.add(total, grad, out=total)
        each = dinputs if isinstance(dinputs, tuple) else (dinputs,)
        if self._proven_for is not self.ctx.needs_input_grad or len(each) != len(self.feeds):
            self._prove_back(each, values)
        return each

    def no_gradient(self, place: int) -> ShapeError:
        """Return what to say of a gradient that somebody reads and that is not there."""
        return ShapeError(
            f"wanted the gradient of its input '{self.feeds[place]}', which what stands before it "
            "learns from, found None; return it (zeros, where learning is meant to end)",
            self._where("backward"),
        )

    def tell(self, error: Exception, way: str) -> None:
        """Raise an error anew with the node in its sentence; an accident stays reachable behind it."""
        if isinstance(error, DataError):
            raise DataError(f"{self._who}: {error}", error.row) from None
        if isinstance(error, ShapeError):
            raise ShapeError(error.problem, error.where or self._who) from None
        if isinstance(error, MemoryError):  # is nobody's mistake
            error.add_note(f"This came up in {self._where(way)}.")
        elif not isinstance(error, MlpkError):
            raise PluginError(f"{self._where(way)}: {told(error)}") from error

    @property
    def _who(self) -> str:
        return f"node '{self.node.name}' ({self.node.layer.kind}{self._by})"

    def _where(self, way: str) -> str:
        return f"{self._who}, {way}"

    def _prove_back(self, dinputs: Sequence[Array | None], values: Arrays) -> None:
        """Refuse a wrong number of gradients, and the first time one in another shape than its input."""
        if len(dinputs) != len(self.feeds):
            raise ShapeError(
                f"wanted one gradient an input, {len(self.feeds)}, found {len(dinputs)}",
                self._where("backward"),
            )
        for place, needed in enumerate(self.ctx.needs_input_grad):
            dinput, feed = dinputs[place], self.feeds[place]
            if needed and dinput is not None and np.shape(dinput) != values[feed].shape:
                raise ShapeError(
                    f"wanted the gradient of its input '{feed}' in the shape "
                    f"{values[feed].shape}, found {np.shape(dinput)}",
                    self._where("backward"),
                )
        self._proven_for = self.ctx.needs_input_grad

"""Prediction: outputs for any number of rows, in batches, from several threads at once."""

from __future__ import annotations

from collections import deque
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk.alarms import muted
from mlpk.context import Context
from mlpk.errors import DataError
from mlpk.inputs import check_count, network_inputs
from mlpk.passes import Pass
from mlpk.summary import multiply_adds
from mlpk.training.batch import Batch
from mlpk.training.values import check_values
from mlpk.workers import share, undisturbed

if TYPE_CHECKING:
    from mlpk.arrays import Array, Arrays
    from mlpk.graph import Graph, Node
    from mlpk.storage import Storage

__all__ = ["Prediction"]

# Bytes that what one node computes of a batch may take, so that the next finds it in the cache.
HELD = 2**22
# Rows at a time where that cannot be told beforehand.
UNTOLD = 256
# Multiply-adds of a batch from which on threads are better off with rows of their own than with a
# part of each layer; with fewer they wait too often for one another, and for Python's lock.
APART = 2**26
_no_scratch = Context("float32")  # `share` wants a context; passes have memory of their own


class Prediction:
    """Evaluation passes of one model: each thread takes one that is free, so that they never meet."""

    def __init__(self, graph: Graph, storage: Storage) -> None:
        self._graph = graph
        self._storage = storage
        self._idle: deque[Pass] = deque()
        nodes = graph.nodes.values()
        sizes, works = [_width(node) for node in nodes], [multiply_adds(node) for node in nodes]
        most = max((size or 0 for size in sizes), default=0) * np.dtype(graph.dtype).itemsize
        self._fitting = UNTOLD if None in sizes else max(1, HELD // max(1, most))
        self._work = sum(work or 0 for work in works)

    def run(self, x: Any, batch_size: int) -> dict[str, Array]:
        """Return the outputs by name for all rows of `x`.

        A thread takes at most `batch_size` at a time, and fewer where the cache holds no more. Where
        these keep it busy for long enough, several are at it at once, each with other rows.
        """
        check_count("batch_size", batch_size)
        with muted(), undisturbed():
            arrays = network_inputs(self._graph.inputs, x)
            check_values(self._graph, arrays)
            rows = next(iter(arrays.values())).shape[0]
            step = min(batch_size, self._fitting)
            if rows <= step:
                run = self._taken()
                made = {name: output.copy() for name, output in _outputs(run, arrays, 0).items()}
                self._give_back(run)
            else:
                made = self._in_batches(arrays, rows, step)
        return made

    def _in_batches(self, arrays: Arrays, rows: int, step: int) -> dict[str, Array]:
        """Return the outputs of several batches, from several threads where that pays."""
        made: dict[str, Array] = {}
        needed = rows  # what follows a batch that failed is not

        def stretch(_: Context, mine: slice) -> None:
            nonlocal needed
            run, start = self._taken(), mine.start
            try:
                while start < min(mine.stop, needed):
                    piece = slice(start, min(start + step, mine.stop))
                    some = {name: array[piece] for name, array in arrays.items()}
                    for name, output in _outputs(run, some, start).items():
                        if name not in made:  # two threads may find so: the first one's is kept
                            whole = np.empty((rows, *output.shape[1:]), output.dtype)
                            made.setdefault(name, whole)
                        made[name][piece] = output
                    start += step
            except BaseException:
                needed = min(needed, start)
                raise
            self._give_back(run)

        if self._work * step >= APART:
            share(_no_scratch, rows, step, stretch)
        else:
            stretch(_no_scratch, slice(0, rows))
        return made

    def _taken(self) -> Pass:
        """Return a pass that is nobody else's."""
        try:
            return self._idle.pop()
        except IndexError:  # all are at work in other threads, or none was made yet
            return Pass(self._graph, self._storage, 0, training=False)

    def _give_back(self, run: Pass) -> None:
        """Let others have a pass, without what it was given."""
        run.forget()
        self._idle.append(run)


def _outputs(run: Pass, arrays: Arrays, start: int) -> Arrays:
    """Return the outputs for rows from `start` on, as they lie in the pass."""
    try:
        return run.forward(arrays, training=False)
    except DataError as error:
        rows = len(next(iter(arrays.values())))
        raise Batch(arrays, {}, None, rows, start).blamed(error) from None


def _width(node: Node) -> int | None:
    """Return how many numbers a node computes for one row, None where that is not known.

    They are its output or, within recurrent layers, the products with their weights.
    """
    if node.declaration is None or node.shape is None:
        return None
    widths = [shape[-1] for p in node.declaration.params.values() if len(shape := p.shape) > 1]
    lengths = (node.shape, *((*node.declaration.positions, width) for width in widths))
    if any(None in each for each in lengths):
        return None
    return max(prod(n or 0 for n in each) for each in lengths)

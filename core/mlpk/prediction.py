"""Prediction: outputs for any number of rows, in batches, from several threads at once."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk.alarms import muted
from mlpk.errors import DataError
from mlpk.inputs import check_count, network_inputs
from mlpk.passes import Pass
from mlpk.training.batch import Batch
from mlpk.training.values import check_values
from mlpk.workers import undisturbed

if TYPE_CHECKING:
    from mlpk.arrays import Array
    from mlpk.graph import Graph
    from mlpk.storage import Storage

__all__ = ["Prediction"]


class Prediction:
    """Evaluation passes of one model: each call takes one that is free, so that threads never meet."""

    def __init__(self, graph: Graph, storage: Storage) -> None:
        self._graph = graph
        self._storage = storage
        self._idle: deque[Pass] = deque()

    def run(self, x: Any, batch_size: int) -> dict[str, Array]:
        """Return the outputs by name for all rows of `x`."""
        check_count("batch_size", batch_size)
        with muted(), undisturbed():
            arrays = network_inputs(self._graph.inputs, x)
            check_values(self._graph, arrays)
            rows = next(iter(arrays.values())).shape[0]
            whole = rows <= batch_size
            try:
                run = self._idle.pop()
            except IndexError:  # all are at work in other threads, or none was made yet
                run = Pass(self._graph, self._storage, 0, training=False)
            made: dict[str, Array] = {}
            for start in range(0, rows, batch_size):
                stop = start + batch_size
                piece = (
                    arrays if whole else {name: array[start:stop] for name, array in arrays.items()}
                )
                try:
                    outputs = run.forward(piece, training=False)
                except DataError as error:
                    raise Batch(piece, {}, None, batch_size, start).blamed(error) from None
                if whole:
                    made = {name: output.copy() for name, output in outputs.items()}
                    break
                for name, output in outputs.items():
                    if name not in made:
                        made[name] = np.empty((rows, *output.shape[1:]), output.dtype)
                    made[name][start:stop] = output
        run.forget()
        self._idle.append(run)
        return made

"""Random rows for the inputs of a network, as far as its layers take them."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import DataError
from mlpk.graph import Graph
from mlpk.streams import stream
from mlpk.training.values import check_values
from mlpk_schemas.model import InputSpec

__all__ = ["LENGTH", "MOST", "drawn_rows"]

LENGTH = 32  # of an axis whose length is unknown: enough for five poolings by two
MOST = 999


def drawn_rows(graph: Graph, rows: int, seed: int) -> dict[str, Array]:
    """Return normal numbers, whole numbers from 0 that no layer refuses, and masks, by input."""
    return {name: _drawn(graph, spec, rows, seed) for name, spec in graph.inputs.items()}


def _drawn(graph: Graph, spec: InputSpec, rows: int, seed: int) -> Array:
    rng = stream(seed, f"gradcheck/{spec.name}")
    shape = (rows, *(LENGTH if length is None else length for length in spec.shape))
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    most = 1 if dtype.kind == "b" else _most(graph, spec)
    return rng.integers(most + 1, size=shape).astype(dtype)


def _most(graph: Graph, spec: InputSpec) -> int:
    """Return the largest whole number that no layer refuses in an input."""
    names = [spec.name]
    for node in graph.nodes.values():
        if node.inputs[0] in names and node.layer.takes[0] == "any":
            names.append(node.name)  # it hands them on as they are

    def is_refused(number: int) -> bool:
        rows = np.full((1, *(length or 1 for length in spec.shape)), number, spec.dtype)
        try:
            check_values(graph, dict.fromkeys(names, rows))
        except DataError:
            return True
        return False

    if is_refused(0):
        problem = f"the input '{spec.name}' does not take 0, so that nothing is drawn for it"
        raise DataError(f"{problem}; give rows, --input X.npy")
    numbers = range(min(MOST, int(np.iinfo(spec.dtype).max)) + 1)
    return bisect_left(numbers, True, key=is_refused) - 1  # noqa: FBT003 - the first that is refused

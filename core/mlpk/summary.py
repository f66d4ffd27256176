"""A network as a table."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from mlpk.opaque import Opaque
from mlpk.table import size, table

if TYPE_CHECKING:
    from mlpk.graph import Graph, Node
    from mlpk.storage import Storage

__all__ = ["multiply_adds", "summary"]

HEAD = ("node", "kind", "output", "parameters", "buffers", "memory", "multiply-adds")
NUMBERS = HEAD[3:]


def summary(graph: Graph, storage: Storage) -> str:
    """Return a table with a row a node and the totals.

    "output" is the shape for one row of data, without the batch axis. "parameters" is how many
    numbers are trained, "buffers" how many a training pass remembers, such as the running mean and
    variance of batch_norm. Parameters that a layer keeps as they are (`trainable=False`) count among
    the first; a line below the table tells how many they are. "memory" is that of a node's parameters and buffers and of its output for one row; what
    training holds besides, gradients and the optimizer's slots, is not in it. "multiply-adds" are
    for one row, one for each weight and position, where a weight is an element of a parameter of
    two or more axes and the layer's declaration tells the positions: those of its output, of a
    transposed convolution's input, the steps of a recurrent layer.

    What depends on an unknown length shows as "?". A node that uses another's arrays says so behind
    its kind; the totals count shared arrays once.
    """
    rows: list[tuple[str, ...]] = [
        (spec.name, "input", _shape(spec.shape), "0", "0", "", "") for spec in graph.inputs.values()
    ]
    outputs: list[int | None] = []
    works: list[int | None] = []
    for node in graph.nodes.values():
        outputs.append(_output_bytes(node, graph.dtype))
        works.append(multiply_adds(node))
        kind = node.layer.identity if isinstance(node.layer, Opaque) else node.layer.kind
        fed_by = "" if len(node.inputs) == 1 else f" ({', '.join(node.inputs)})"
        fed_by += _shared(node)
        sizes = _sizes(storage, node.params.values(), node.buffers.values(), outputs[-1])
        rows.append((node.name, kind + fed_by, _shape(node.shape), *sizes, _count(works[-1])))
    sizes = _sizes(storage, graph.arrays("params"), graph.arrays("buffers"), _total(outputs))
    total = ("total", "", "", *sizes, _count(_total(works)))
    return table(HEAD, rows, NUMBERS, total) + _left_alone(graph, storage)


def _shared(node: Node) -> str:
    """Return whose arrays a node uses, for its row; "" if they are its own."""
    arrays = (*node.params.values(), *node.buffers.values())
    owners = dict.fromkeys(array.rpartition("/")[0] for array in arrays)
    owners.pop(node.name, None)
    return f", arrays of {' and '.join(owners)}" if owners else ""


def _sizes(
    storage: Storage, params: Iterable[str], buffers: Iterable[str], output: int | None
) -> tuple[str, str, str]:
    """Return how many numbers the named params hold and the buffers, and the bytes with outputs."""
    trained = [storage.params[name] for name in params]
    remembered = [storage.buffers[name] for name in buffers]
    held = sum(array.nbytes for array in (*trained, *remembered))
    counts = (sum(array.size for array in arrays) for arrays in (trained, remembered))
    first, second = (f"{count:,}" for count in counts)
    return first, second, _bytes(_total([held, output]))


def _left_alone(graph: Graph, storage: Storage) -> str:
    """Return a line that tells how many parameters no optimizer changes, "" if it changes all."""
    kept = [name for name, param in graph.params.items() if not param.trainable]
    count = sum(storage.params[name].size for name in kept)
    return f"\n{count:,} of the parameters are not trained (trainable=False)" if count else ""


def _total(parts: Iterable[int | None]) -> int | None:
    """Return the sum, unknown if a part is."""
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def _product(parts: Iterable[int | None]) -> int | None:
    """Return the product, unknown if a part is."""
    product = 1
    for part in parts:
        if part is None:
            return None
        product *= part
    return product


def _output_bytes(node: Node, dtype: str) -> int | None:
    """Return the size of a node's output for one row."""
    return None if node.shape is None else _product((np.dtype(dtype).itemsize, *node.shape))


def multiply_adds(node: Node) -> int | None:
    """Return how often a weight is multiplied with an input, for one row."""
    if node.declaration is None:
        return None
    shapes = [param.shape for param in node.declaration.params.values()]
    weights = sum(prod(shape) for shape in shapes if len(shape) > 1)
    return _product((weights, *node.declaration.positions)) if weights else 0


def _shape(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "?"
    return " x ".join("?" if length is None else str(length) for length in shape) or "scalar"


def _count(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"


def _bytes(count: int | None) -> str:
    return "?" if count is None else size(count)

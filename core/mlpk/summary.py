"""A network as a table."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from mlpk.opaque import Opaque

if TYPE_CHECKING:
    from mlpk.graph import Graph, Node
    from mlpk.storage import Storage

__all__ = ["table"]

HEAD = ("node", "kind", "output", "parameters", "memory", "multiply-adds")
RIGHT = 3  # columns from here on are numbers


def table(graph: Graph, storage: Storage) -> str:
    """Return a table with a row a node and the totals.

    Memory counts a node's arrays and its output for one row of input; multiply-adds are for one
    row, one for each weight and output position. What depends on an unknown length shows as "?".
    """
    rows: list[tuple[str, ...]] = [
        (spec.name, "input", _shape(spec.shape), "0", "", "") for spec in graph.inputs.values()
    ]
    totals = [0, 0, 0]
    for node in graph.nodes.values():
        params = sum(storage.params[name].size for name in node.params.values())
        arrays = [storage.params[name] for name in node.params.values()]
        arrays += [storage.buffers[name] for name in node.buffers.values()]
        size = None if node.shape is None or None in node.shape else prod(node.shape)  # type: ignore[arg-type] # None is ruled out
        output = None if size is None else size * np.dtype(graph.dtype).itemsize
        memory = None if output is None else sum(array.nbytes for array in arrays) + output
        work = _multiply_adds(node)
        fed_by = "" if len(node.inputs) == 1 else f" ({', '.join(node.inputs)})"
        kind = node.layer.identity if isinstance(node.layer, Opaque) else node.layer.kind
        rows.append(
            (node.name, kind + fed_by, _shape(node.shape), f"{params:,}", _bytes(memory),
             "?" if work is None else f"{work:,}")
        )  # fmt: skip
        totals[1] += memory or 0
        totals[2] += work or 0
    totals[0] = sum(storage.params[name].size for name in graph.arrays("params"))
    rows.append(("total", "", "", f"{totals[0]:,}", _bytes(totals[1]), f"{totals[2]:,}"))
    widths = [max(len(row[i]) for row in (HEAD, *rows)) for i in range(len(HEAD))]
    lines = [_line(HEAD, widths), "  ".join("-" * width for width in widths)]
    lines += [_line(row, widths) for row in rows[:-1]]
    return "\n".join([*lines, lines[1], _line(rows[-1], widths)])


def _multiply_adds(node: Node) -> int | None:
    """Return how often a weight meets an input, for one row: weight elements times positions."""
    if node.declaration is None or None in node.declaration.output:
        return None
    output: tuple[int, ...] = node.declaration.output  # type: ignore[assignment] # None is ruled out
    positions = prod(output[:-1])
    weights = [param.shape for param in node.declaration.params.values()]
    return sum(prod(shape) * positions for shape in weights if len(shape) > 1)


def _shape(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "?"
    return " x ".join("?" if length is None else str(length) for length in shape) or "scalar"


def _bytes(count: int | None) -> str:
    if count is None:
        return "?"
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:  # noqa: PLR2004 - the unit's own size
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = (
        cell.rjust(width) if place >= RIGHT else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()

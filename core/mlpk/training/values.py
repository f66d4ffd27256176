"""Values that a network's inputs may hold: the layers that they feed are asked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlpk.arrays import Array
from mlpk.training.blame import about

if TYPE_CHECKING:
    from mlpk.graph import Graph

__all__ = ["check_values"]


def check_values(graph: Graph, arrays: Mapping[str, Array]) -> None:
    """Hand all rows of the inputs to `check` of the layers that take them from there, naming both.

    A layer without a check of its own costs nothing.
    """
    several = len(graph.inputs) > 1
    for node in graph.checking:
        fed = [feed for feed in node.inputs if feed in arrays]
        if fed:
            roles = [f"x['{feed}']" if several else "x" for feed in dict.fromkeys(fed)]
            with about(f"{' and '.join(roles)} for node '{node.name}'"):
                node.layer.check(*(arrays.get(feed) for feed in node.inputs))

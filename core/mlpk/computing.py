"""What computes a training run: the kinds themselves, or implementations of them."""

from __future__ import annotations

from collections.abc import Mapping

from mlpk import catalog
from mlpk.graph import Graph
from mlpk.loss import Loss
from mlpk.optimizer import Optimizer

__all__ = ["computing"]


def computing(graph: Graph, losses: Mapping[str, Loss], optimizer: Optimizer) -> str:
    """Return what computes here: "numpy", or the distributions whose functions do, with versions.

    `losses` go by output.
    """
    choice, nodes = catalog.current().choice, graph.nodes
    return choice.named(
        [
            *(choice.of(node.layer, graph.fed(node), graph.dtype) for node in nodes.values()),
            *(choice.of(each, (nodes[out].shape,), graph.dtype) for out, each in losses.items()),
            choice.of(optimizer, (), graph.dtype),
        ]
    )

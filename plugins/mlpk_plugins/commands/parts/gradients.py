"""The gradients of every node of a file's network, beside the slopes that differences tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, median

import attrs

import mlpk
from mlpk import catalog
from mlpk.alarms import muted
from mlpk.cli.data import read_arrays
from mlpk.errors import ConfigError
from mlpk.graph import Graph
from mlpk.inputs import network_inputs
from mlpk.passes import Pass
from mlpk.streams import stream
from mlpk.testing.differences import TOLERANCE
from mlpk.training.values import check_values
from mlpk_plugins.commands.parts.alone import Alone, doubled, filled
from mlpk_plugins.commands.parts.drawn_rows import drawn_rows

__all__ = ["Finding", "findings"]

DIRECTIONS = 3


@attrs.frozen
class Finding:
    """What was found of one gradient; `error` is None where every output bends."""

    node: str
    kind: str
    array: str
    error: float | None
    left_out: float

    @property
    def state(self) -> str:
        """Whether it is right: "yes", "no", or "unclear"."""
        if self.error is None:
            return "unclear"
        return "yes" if self.error <= TOLERANCE else "no"


def findings(
    path: str, rows: int, seed: int, given: str | None, *, training: bool
) -> list[Finding]:
    """Return what was found of every gradient of a file's network, node by node."""
    model = mlpk.load(path, seed=seed)
    graph = doubled(model.graph)
    if given is None:
        x = drawn_rows(graph, rows, seed)
    else:
        x = {
            name: array[:rows]
            for name, array in network_inputs(graph.inputs, read_arrays(Path(given))).items()
        }
        check_values(graph, x)
    if training:
        _check_rows(graph, len(next(iter(x.values()))))
    with muted():
        run = Pass(graph, filled(graph, model.storage), seed, training=True)
        values = {**x, **run.forward(x, training=training)}
        return [
            each
            for node in graph.nodes.values()
            for each in _of(Alone(node, values, model.storage, seed, training=training), seed)
        ]


def _of(alone: Alone, seed: int) -> Iterator[Finding]:
    node = alone.node
    kind = catalog.current().id_of(type(node.layer))
    for name, array in alone.arrays.items():
        rng = stream(seed, f"gradcheck/{node.name}/{name}")
        slopes = [alone.slope(name, array, rng) for _ in range(DIRECTIONS)]
        errors = [slope.error for slope in slopes if slope.error is not None]
        error = median(errors) if errors else None
        yield Finding(node.name, kind, name, error, fmean(slope.left_out for slope in slopes))


def _check_rows(graph: Graph, rows: int) -> None:
    for node in graph.nodes.values():
        least = node.declaration.min_rows if node.declaration else 1
        if rows < least:
            problem = f"node '{node.name}' wants at least {least} in training, found {rows}"
            raise ConfigError("--rows", problem)

"""A node alone, in float64: its output and its gradients, on inputs that can be moved."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite

import attrs
import numpy as np

from mlpk.arrays import Array, frozen_view
from mlpk.graph import Graph, Node
from mlpk.passes import Pass
from mlpk.storage import Storage
from mlpk.testing.differences import STEP, TOLERANCE, on_both_sides
from mlpk_schemas.model import InputSpec

__all__ = ["Alone", "Slope", "doubled", "filled"]

# How far the slopes on both sides of a point may differ, relative to slopes: what is smooth stays
# far below it, as it bends with STEP; a kink is near 1.
BEND = 1e-4
# What rounding does to a value, relative to it.
ROUNDING = 10 * float(np.finfo("float64").eps)


@attrs.frozen
class Slope:
    """How far a gradient is from the slope in one direction: None where all outputs bend.

    It is infinite where they, or the gradient, are no numbers. `left_out` is the share of the
    outputs that bend.
    """

    error: float | None
    left_out: float


def doubled(graph: Graph) -> Graph:
    """Return the same network in float64, whose outputs are all of its nodes."""
    inputs = [
        InputSpec(name=spec.name, shape=spec.shape, dtype="float64")
        if np.dtype(spec.dtype).kind == "f"
        else spec
        for spec in graph.inputs.values()
    ]
    nodes = [
        (node.name, node.layer, node.inputs, {**node.params, **node.buffers})
        for node in graph.nodes.values()
    ]
    return Graph("float64", inputs, nodes, list(graph.nodes))


def filled(graph: Graph, held: Storage) -> Storage:
    """Return storage for a network, with a copy of what is held under the same names."""
    storage = Storage.empty(graph)
    for own, others in ((storage.params, held.params), (storage.buffers, held.buffers)):
        for name, array in own.items():
            np.copyto(array, others[name])
    return storage


class Alone:
    """One node on `values`, by the names of what feeds it, with a copy of its arrays.

    `arrays` are those that have a gradient: parameters that are trained by the node's own names,
    and inputs of real numbers as "input x".
    """

    def __init__(
        self,
        node: Node,
        values: Mapping[str, Array],
        held: Storage,
        seed: int,
        *,
        training: bool,
    ) -> None:
        self.node = node
        self._training = training
        self._inputs = {
            name: np.array(value, "float64" if value.dtype.kind == "f" else None)
            for name, value in values.items()
            if name in node.inputs
        }
        specs = [
            InputSpec(name=name, shape=value.shape[1:], dtype=value.dtype.name)  # type: ignore[arg-type] # checked by the record
            for name, value in self._inputs.items()
        ]
        called = {**node.params, **node.buffers}
        graph = Graph("float64", specs, [(node.name, node.layer, node.inputs, called)], [node.name])
        self._storage = filled(graph, held)
        self._buffers = {name: array.copy() for name, array in self._storage.buffers.items()}
        self._run = Pass(graph, self._storage, seed, training=True)
        params = node.declaration.params if node.declaration else {}
        self._params = {
            local: name for local, name in node.params.items() if params[local].trainable
        }
        self._real = {
            f"input {name}": name for name, value in self._inputs.items() if value.dtype.kind == "f"
        }

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays that have a gradient, by what they are called in a table."""
        params = {local: self._storage.params[name] for local, name in self._params.items()}
        return params | {called: self._inputs[name] for called, name in self._real.items()}

    def output(self) -> Array:
        """Return the output as everything stands now: each time with the same random numbers."""
        for name, array in self._buffers.items():
            np.copyto(self._storage.buffers[name], array)
        self._run.step = 0
        inputs = {name: frozen_view(array) for name, array in self._inputs.items()}
        return self._run.forward(inputs, training=self._training)[self.node.name]

    def gradient(self, called: str, doutput: Array) -> Array:
        """Return the gradient of one of the arrays, after a forward."""
        dinputs = self._run.backward({self.node.name: doutput})
        if called in self._real:
            name = self._real[called]
            return dinputs.get(name, np.zeros_like(self._inputs[name]))
        grads = self._storage.grads
        assert grads is not None  # noqa: S101 - the storage is one of its own, not mapped
        return grads.views[self._params[called]]

    def slope(self, called: str, array: Array, rng: np.random.Generator) -> Slope:
        """Compare the gradient of one of the arrays with the slope in a random direction.

        What the loss weighs the outputs with is random as well, and 0 for those that bend. The
        difference is told relative to the gradient's length; it is within TOLERANCE where
        rounding alone could make it.
        """
        direction = rng.standard_normal(array.shape)
        step = STEP * max(1.0, float(np.sqrt(np.mean(array**2)))) if array.size else STEP
        above, below = on_both_sides(self.output, array, direction, step)
        here = self.output()
        finite = np.isfinite(above) & np.isfinite(here) & np.isfinite(below)
        if not finite.any():
            return Slope(inf, 0.0)
        above, here, below = (np.where(finite, each, 0.0) for each in (above, here, below))
        slopes = (above - below) / (2 * step)
        noise = ROUNDING * (np.abs(above) + np.abs(below)) / step
        bends = np.abs(above - 2 * here + below) / step
        smooth = finite & (bends <= BEND * np.sqrt(np.mean(slopes**2)) + noise)
        left_out = float(1 - np.mean(smooth))
        if not smooth.any():
            return Slope(None, left_out)
        doutput = np.where(smooth, rng.standard_normal(here.shape), 0.0)
        gradient = self.gradient(called, doutput)
        wanted, found = float((slopes * doutput).sum()), float((gradient * direction).sum())
        size = max(
            float(np.linalg.norm(gradient)),
            abs(wanted),
            float(np.linalg.norm(noise * doutput)) / TOLERANCE,
        )
        if not isfinite(size) or not isfinite(found):
            return Slope(inf, left_out)
        return Slope(abs(found - wanted) / size if size else 0.0, left_out)

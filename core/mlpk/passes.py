"""Passes: one way forward through a network and back, with the memory for both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk import catalog
from mlpk.arrays import Array, Grads, Views
from mlpk.context import Context
from mlpk.errors import ConfigError, GraphError, ShapeError
from mlpk.inputs import by_name
from mlpk.stage import Stage

if TYPE_CHECKING:
    from mlpk.graph import Graph, Node
    from mlpk.storage import Storage

__all__ = ["Pass"]


class Pass:
    """Forward, and backward over what forward saved. Two passes never share memory.

    `step` numbers the training forwards, and with it the random streams of the nodes.
    """

    def __init__(
        self, graph: Graph, storage: Storage, seed: int, *, training: bool, spoil: bool = False
    ) -> None:
        """Prepare every node; a pass that is not for `training` cannot write buffers or go back."""
        self.graph = graph
        self.step = 0
        self.contexts = {
            name: Context(graph.dtype, seed=seed, name=name, spoil=spoil) for name in graph.nodes
        }
        self._stages = [
            Stage(node, storage, self.contexts[node.name], writable=training)
            for node in graph.nodes.values()
        ]
        self._choose()
        self._values: dict[str, Array] = {}
        # Never spoiled: a sum of three is taken up again where the first two were added.
        self._sums = {name: Context(graph.dtype) for name in (*graph.inputs, *graph.nodes)}
        self._shared: list[Array] = []
        self._backward_for: tuple[bool, frozenset[str]] | None = None
        if training and storage.grads is not None:
            self._prepare_gradients(storage.grads.views)
            self.prepare_backward(inputs=True)

    def prepare_backward(self, *, inputs: bool, frozen: Collection[str] = ()) -> None:
        """Find out which gradients somebody reads: those of the inputs, if asked, and of params.

        Nothing is computed for the parameters of `frozen` nodes, nor for what only they need.
        """
        wanted = (inputs, frozenset(frozen))
        if self._backward_for == wanted:
            return
        self._backward_for = wanted
        needed = {
            name: inputs and np.dtype(spec.dtype).kind == "f"
            for name, spec in self.graph.inputs.items()
        }
        for stage in self._stages:
            node = stage.node
            params = node.declaration.params.values() if node.declaration else ()
            trains = node.name not in wanted[1] and any(param.trainable for param in params)
            reads = tuple(needed[feed] for feed in node.inputs)
            stage.ctx.needs_input_grad = reads
            stage.reads = [(at, feed) for at, feed in enumerate(node.inputs) if reads[at]]
            needed[node.name] = stage.runs_backward = trains or any(reads)

    def forward(
        self, inputs: Mapping[str, Array], *, training: bool, frozen: Collection[str] = ()
    ) -> dict[str, Array]:
        """Return the outputs by name; they lie in this pass's memory until its next forward.

        The inputs are not copied: `backward` finds them as they are by then.
        In training, `frozen` nodes that have buffers run as in evaluation, and leave them alone.
        """
        if self._chosen_in is not catalog.in_force:
            self._choose()
        values = self._values
        values.clear()
        values.update(inputs)
        if training:
            self.step += 1
        step, value = self.step, values.__getitem__
        for stage in self._stages:
            trains = training and not (frozen and stage.name in frozen and stage.node.buffers)
            stage.ctx.begin(step, training=trains)
            try:
                result = stage.forward(stage.arrays, stage.ctx, *map(value, stage.feeds))
                if not stage.proven:
                    stage.prove(result)
                values[stage.name], stage.saved = result
            except Exception as error:
                stage.tell(error, "forward")
                raise
        return {name: values[name] for name in self.graph.outputs}

    def forget(self) -> None:
        """Let go of the arrays that the last forward was given."""
        self._values.clear()
        for stage in self._stages:
            stage.saved = None

    def first_not_finite(self) -> Node | None:
        """Return the first node of the last forward that gave nan or infinity; None if none did."""
        nodes = self.graph.nodes.values()
        return next(
            (node for node in nodes if not np.isfinite(self._values[node.name]).all()), None
        )

    def output_shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an output of the last forward."""
        if name not in self._values:
            raise GraphError("backward was asked for, but no forward came before it in this pass")
        return self._values[name].shape

    def output_gradients(self, given: Any) -> dict[str, Array]:
        """Return gradients by output, checked against the last forward, in the network's dtype.

        One array serves a single output; of several, a dict may name just some.
        """
        outputs = self.graph.outputs
        names = list(given) if isinstance(given, Mapping) else list(outputs)
        for name in names:
            if name not in outputs:
                raise ConfigError(f"doutput['{name}']", f"wanted one of {outputs}")
        gradients = by_name(given, names, "doutput")
        for name, array in gradients.items():
            wanted = self.output_shape(name)
            if array.shape != wanted:
                problem = f"wanted the output's shape {wanted}, found {array.shape}"
                raise ShapeError(problem, f"doutput of '{name}'")
            gradients[name] = np.asarray(array, self.graph.dtype)
        return gradients

    def backward(self, doutputs: Mapping[str, Array]) -> dict[str, Array]:
        """Write the gradient of every parameter, and return those of the inputs that have one.

        `doutputs` are gradients by output; an output left out adds nothing.
        """
        if self._backward_for is None:
            raise GraphError("this pass is not for training: make it with new_pass()")
        for array in self._shared:
            array.fill(0)
        found: dict[str, Array] = dict(doutputs)
        for stage in reversed(self._stages):
            doutput = found.pop(stage.name, None)
            if doutput is None or not stage.runs_backward:
                for grad in stage.grads.values():
                    grad.fill(0)
                continue
            each = stage.back(doutput, self._values)
            for place, feed in stage.reads:
                dinput = each[place]
                if dinput is None:
                    raise stage.no_gradient(place)
                if feed in found:
                    dinput = self._sum(feed, found[feed], dinput)
                found[feed] = dinput
        return found

    def _choose(self) -> None:
        """Find out what computes each node, anew where another catalog is in force."""
        active = catalog.current()
        for stage in self._stages:
            stage.choose(active.choice, self.graph.fed(stage.node))
        self._chosen_in = active

    def _sum(self, feed: str, held: Array, grad: Array) -> Array:
        total: Array = self._sums[feed].empty("sum", held.shape)
        return np.add(held, grad, out=total)

    def _prepare_gradients(self, views: Grads) -> None:
        """Hand each node its gradients; where nodes share an array, each writes beside, to be added."""
        users: dict[str, int] = {}
        for stage in self._stages:
            for name in stage.node.params.values():
                users[name] = users.get(name, 0) + 1
        self._shared = [views[name] for name, count in users.items() if count > 1]
        for stage in self._stages:
            params = stage.node.params
            stage.grads = Views(
                {
                    local: views[name] if users[name] == 1 else np.zeros_like(views[name])
                    for local, name in params.items()
                }
            )
            stage.added = [
                (views[name], stage.grads[local])
                for local, name in params.items()
                if users[name] > 1
            ]

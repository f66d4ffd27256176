"""Passes: one way forward through a network and back, with the memory for both."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlpk.arrays import Array, Grads, Views, frozen_view
from mlpk.context import Context
from mlpk.errors import (
    ConfigError,
    DataError,
    GraphError,
    MlpkError,
    PluginError,
    ShapeError,
    shown,
    told,
)
from mlpk.inputs import by_name

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
            _Stage(node, storage, self.contexts[node.name], writable=training)
            for node in graph.nodes.values()
        ]
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
            stage.ctx.needs_input_grad = tuple(needed[feed] for feed in node.inputs)
            needed[node.name] = stage.runs_backward = trains or any(stage.ctx.needs_input_grad)

    def forward(
        self, inputs: Mapping[str, Array], *, training: bool, frozen: Collection[str] = ()
    ) -> dict[str, Array]:
        """Return the outputs by name; they lie in this pass's memory until its next forward.

        The inputs are not copied: `backward` finds them as they are by then.
        In training, `frozen` nodes that have buffers run as in evaluation, and leave them alone.
        """
        values = self._values
        values.clear()
        values.update(inputs)
        if training:
            self.step += 1
        for stage in self._stages:
            inputs_of = [values[feed] for feed in stage.feeds]
            rests = stage.node.name in frozen and bool(stage.node.buffers)
            values[stage.node.name] = stage.run(
                inputs_of, self.step, training=training and not rests
            )
        return {name: values[name] for name in self.graph.outputs}

    def forget(self) -> None:
        """Let go of the arrays that the last forward was given."""
        self._values.clear()
        for stage in self._stages:
            stage.saved = None

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
            doutput = found.pop(stage.node.name, None)
            if doutput is None or not stage.runs_backward:
                for grad in stage.grads.values():
                    grad.fill(0)
                continue
            each = stage.back(doutput)
            needs = stage.ctx.needs_input_grad
            if stage.proven_for is not needs:
                stage.prove_back(each, [self._values[feed].shape for feed in stage.feeds])
            for place, (feed, needed) in enumerate(zip(stage.feeds, needs, strict=True)):
                if needed:
                    dinput = each[place]
                    if dinput is None:
                        raise stage.no_gradient(place)
                    self._add(found, feed, dinput)
        return found

    def _add(self, found: dict[str, Array], feed: str, grad: Array) -> None:
        held = found.get(feed)
        if held is None:
            found[feed] = grad
        else:
            total = self._sums[feed].empty("sum", held.shape)
            found[feed] = np.add(held, grad, out=total)

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


class _Stage:
    """A node as a pass runs it. Parameters come as read-only views: the optimizer writes them."""

    def __init__(self, node: Node, storage: Storage, ctx: Context, *, writable: bool) -> None:
        self.node = node
        self.feeds = node.inputs
        self.ctx = ctx
        self.forward = node.layer.forward
        self.backward = node.layer.backward
        params = {local: frozen_view(storage.params[name]) for local, name in node.params.items()}
        buffers = {
            local: storage.buffers[name] if writable else frozen_view(storage.buffers[name])
            for local, name in node.buffers.items()
        }
        self.arrays = Views({**params, **buffers})
        self.grads = Views()
        self.added: list[tuple[Array, Array]] = []
        self.runs_backward = True
        self.saved: Any = None
        self.proven_for: tuple[bool, ...] | None = None
        self._proven = False

    def run(self, inputs: Sequence[Array], step: int, *, training: bool) -> Array:
        """Return the output, and keep what the way back needs."""
        self.ctx.begin(step, training=training)
        try:
            result = self.forward(self.arrays, self.ctx, *inputs)
        except Exception as error:
            self._tell(error, "forward")
            raise
        if not self._proven:
            self._prove(result)
        output, self.saved = result
        return output

    def back(self, doutput: Array) -> tuple[Array | None, ...]:
        """Write the node's gradients, and return one an input, None where it has none."""
        try:
            dinputs = self.backward(self.arrays, self.ctx, self.saved, doutput, self.grads)
        except Exception as error:
            self._tell(error, "backward")
            raise
        for total, grad in self.added:
            np.add(total, grad, out=total)
        each = dinputs if isinstance(dinputs, tuple) else (dinputs,)
        if len(each) != len(self.feeds):
            raise ShapeError(
                f"wanted one gradient an input, {len(self.feeds)}, found {len(each)}",
                self._where("backward"),
            )
        return each

    def no_gradient(self, place: int) -> ShapeError:
        """Return what to say of a gradient that somebody reads and that is not there."""
        return ShapeError(
            f"wanted the gradient of its input '{self.feeds[place]}', which what stands before it "
            "learns from, found None; return it (zeros, where learning is meant to end)",
            self._where("backward"),
        )

    def prove_back(
        self, dinputs: Sequence[Array | None], shapes: Sequence[tuple[int, ...]]
    ) -> None:
        """Refuse, the first time that these are needed, a gradient in another shape than its input."""
        for place, needed in enumerate(self.ctx.needs_input_grad):
            dinput = dinputs[place]
            if needed and dinput is not None and np.shape(dinput) != shapes[place]:
                raise ShapeError(
                    f"wanted the gradient of its input '{self.feeds[place]}' in the shape "
                    f"{shapes[place]}, found {np.shape(dinput)}",
                    self._where("backward"),
                )
        self.proven_for = self.ctx.needs_input_grad

    def _where(self, way: str) -> str:
        return f"node '{self.node.name}' ({self.node.layer.kind}), {way}"

    def _tell(self, error: Exception, way: str) -> None:
        """Raise an error anew with the node in its sentence; an accident stays reachable behind it."""
        where = f"node '{self.node.name}' ({self.node.layer.kind})"
        if isinstance(error, DataError):
            raise DataError(f"{where}: {error}", error.row) from None
        if isinstance(error, ShapeError):
            raise ShapeError(error.problem, error.where or where) from None
        if isinstance(error, MemoryError):  # is nobody's mistake
            error.add_note(f"This came up in {where}, {way}.")
        elif not isinstance(error, MlpkError):
            raise PluginError(f"{where}, {way}: {told(error)}") from error

    def _prove(self, result: object) -> None:
        """Refuse, the first time, what is not an output of the declared shape with what is saved."""
        where = self._where("forward")
        if not isinstance(result, tuple) or len(result) != 2:  # noqa: PLR2004 - output and saved
            raise ShapeError(f"wanted (output, saved), found {shown(result)}", where)
        declared, found = self.node.shape, np.shape(result[0])
        fits = declared is None or (
            len(found) == len(declared) + 1
            and all(n in (None, m) for n, m in zip(declared, found[1:], strict=True))
        )
        if not fits:
            raise ShapeError(f"declared was the shape (rows, *{declared}), found {found}", where)
        self._proven = True

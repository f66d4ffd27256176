"""Graphs: nodes with names, in order, their shapes and their arrays declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Literal, TypeVar

import attrs

from mlpk.dtypes import check_taken, check_width, given_dtype
from mlpk.errors import ConfigError, GraphError, ShapeError, nearest, shown
from mlpk.kind import written
from mlpk.layer import Layer
from mlpk.opaque import Opaque
from mlpk.symbol import declared
from mlpk_schemas.file import PluginClaim
from mlpk_schemas.model import InputSpec, ModelSpec, NodeSpec

if TYPE_CHECKING:
    from mlpk.declaration import Buffer, Declaration, Param, Shape

__all__ = ["Graph", "Node"]

A = TypeVar("A", "Param", "Buffer")


@attrs.frozen(eq=False)
class Node:
    """One node. `params` and `buffers` map the layer's names to the network's, "node/array".

    `declaration` is None for a node whose layer, or whose inputs' shapes, are unknown here.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    params: Mapping[str, str]
    buffers: Mapping[str, str]
    declaration: Declaration | None

    @property
    def shape(self) -> Shape | None:
        """The output's shape, without the batch axis."""
        return self.declaration.output if self.declaration else None


class Graph:
    """A checked network without its arrays.

    `params` and `buffers` hold what each array was declared as, under the network's names.
    """

    def __init__(
        self,
        dtype: str,
        inputs: Sequence[InputSpec],
        nodes: Iterable[tuple[str, Layer, tuple[str, ...], Mapping[str, str]]],
        outputs: Sequence[str],
    ) -> None:
        """Declare every node, in order.

        Each node is (name, layer, inputs, arrays), where arrays maps the names of its own arrays
        to the network's; those left out are called "node/array".
        """
        self.dtype = dtype
        self.inputs = {spec.name: spec for spec in inputs}
        self.nodes: dict[str, Node] = {}
        self.outputs = tuple(outputs)
        self.params: dict[str, Param] = {}
        self.buffers: dict[str, Buffer] = {}
        if len(self.inputs) < len(inputs):
            raise GraphError("two inputs have the same name")
        shapes: dict[str, Shape | None] = {spec.name: spec.shape for spec in inputs}
        self._dtypes: dict[str, str | None] = {spec.name: spec.dtype for spec in inputs}
        for name, layer, feeds, arrays in nodes:
            if name in shapes:
                raise GraphError(f"two nodes or inputs are called '{name}'; give one another name")
            for feed in feeds:
                if feed not in shapes:
                    raise GraphError(f"node '{name}' takes '{feed}', which does not come before it")
            node = self._declare(name, layer, feeds, [shapes[feed] for feed in feeds], arrays)
            self.nodes[name] = node
            shapes[name] = node.shape
        if not self.outputs:
            raise GraphError("a network needs at least one output, found none")
        for output in self.outputs:
            if output not in self.nodes:
                raise GraphError(
                    f"the output '{output}' is not a node.{nearest(output, self.nodes)}"
                )
        if len(set(self.outputs)) < len(self.outputs):
            raise GraphError(f"an output is named twice: {', '.join(self.outputs)}")

    @classmethod
    def of_spec(cls, spec: ModelSpec, *, opaque: Sequence[PluginClaim] | None = None) -> Graph:
        """Return the graph of a spec.

        With `opaque`, a file's claims about its plugins, kinds that are not active become inert.
        """
        _refuse_cycles(spec)
        nodes = []
        for place, node in enumerate(spec.nodes):
            where = f"spec.nodes[{place}]"
            plain = {"id": node.id, "schema": node.schema, "config": node.config}
            if opaque is None:
                layer = Layer.read(plain, where)
            else:
                layer = Opaque.read_or_keep(plain, where, opaque)
            nodes.append((node.name, layer, node.inputs, {**node.params, **node.buffers}))
        graph = cls(spec.dtype, spec.inputs, nodes, spec.outputs)
        graph._keep_names(spec.nodes)
        for place, node in enumerate(spec.nodes):
            made = graph.nodes[node.name]
            for role in ("params", "buffers"):
                wanted, found = getattr(made, role), getattr(node, role)
                if wanted.keys() != found.keys():
                    raise ConfigError(
                        f"spec.nodes[{place}].{role}",
                        f"wanted the arrays {sorted(wanted)}, found {sorted(found)}",
                    )
        return graph

    @cached_property
    def checking(self) -> tuple[Node, ...]:
        """The nodes whose layers have a check of their own for the values of their inputs."""
        nodes = self.nodes.values()
        return tuple(node for node in nodes if type(node.layer).check is not Layer.check)

    def spec(self) -> ModelSpec:
        """Return what is written down of this graph."""
        return ModelSpec(
            dtype=self.dtype,  # type: ignore[arg-type] # checked by the record
            inputs=tuple(self.inputs.values()),
            nodes=tuple(
                NodeSpec(
                    name=node.name,
                    inputs=node.inputs,
                    params=node.params,
                    buffers=node.buffers,
                    **(
                        node.layer.plain()
                        if isinstance(node.layer, Opaque)
                        else written(node.layer)
                    ),
                )
                for node in self.nodes.values()
            ),
            outputs=self.outputs,
        )

    def ending_in(self, output: str | Sequence[str]) -> Graph:
        """Return the part of this graph that leads to another output, or several; names are kept."""
        if not isinstance(output, str | list | tuple):
            problem = f"wanted the name of a node, or a list of them, found {shown(output)}"
            raise ConfigError("output", problem)
        outputs = [output] if isinstance(output, str) else output
        for name in outputs:
            if name not in self.nodes:
                raise GraphError(f"there is no node '{name}'.{nearest(name, self.nodes)}")
        needed = set(outputs)
        for node in reversed(self.nodes.values()):
            if node.name in needed:
                needed.update(node.inputs)
        part = Graph(
            self.dtype,
            [spec for spec in self.inputs.values() if spec.name in needed],
            [
                (node.name, node.layer, node.inputs, {**node.params, **node.buffers})
                for node in self.nodes.values()
                if node.name in needed
            ],
            outputs,
        )
        part._keep_names(self.nodes[name] for name in part.nodes)
        return part

    def __str__(self) -> str:
        takes = ", ".join(f"{name}{spec.shape}" for name, spec in self.inputs.items())
        return f"{takes} -> {', '.join(self.outputs)}: {len(self.nodes)} nodes"

    def fed(self, node: Node) -> tuple[Shape | None, ...]:
        """Return the shapes of what feeds a node, without the batch axis; None is not known here."""
        return tuple(
            self.inputs[feed].shape if feed in self.inputs else self.nodes[feed].shape
            for feed in node.inputs
        )

    @property
    def is_whole(self) -> bool:
        """Whether every node is known here and declared, so that the network can run."""
        return all(node.declaration is not None for node in self.nodes.values())

    def arrays(self, role: Literal["params", "buffers"]) -> list[str]:
        """Return the name of every array of a role, each once, in the order of the nodes."""
        mappings = (getattr(node, role) for node in self.nodes.values())
        return list(dict.fromkeys(name for mapping in mappings for name in mapping.values()))

    def _keep_names(self, given: Iterable[NodeSpec | Node]) -> None:
        """Give nodes that could not be declared the names of their arrays, as they were written."""
        for node in given:
            if self.nodes[node.name].declaration is None:
                self.nodes[node.name] = attrs.evolve(
                    self.nodes[node.name], params=node.params, buffers=node.buffers
                )

    def _declare(
        self,
        name: str,
        layer: Layer,
        feeds: tuple[str, ...],
        shapes: list[Shape | None],
        arrays: Mapping[str, str],
    ) -> Node:
        known = [shape for shape in shapes if shape is not None]
        if isinstance(layer, Opaque) or len(known) < len(shapes):
            return Node(name, layer, feeds, {}, {}, None)
        declaration = declared(layer, tuple(known), f"node '{name}'")
        self._dtypes[name] = self._taken(name, layer, feeds)
        params = _called(name, declaration.params, arrays, self.params, self.buffers)
        buffers = _called(name, declaration.buffers, arrays, self.buffers, self.params)
        return Node(name, layer, feeds, params, buffers, declaration)

    def _taken(self, name: str, layer: Layer, feeds: tuple[str, ...]) -> str | None:
        """Return the dtype that a node gives, None for the network's, or refuse those it is fed."""
        dtypes = [self._dtypes[feed] for feed in feeds]
        called = [f"the input '{feed}'" if feed in self.inputs else f"'{feed}'" for feed in feeds]
        given = list(zip(called, dtypes, strict=True))
        check_taken(layer, given, f"node '{name}'")
        check_width(layer, given, f"node '{name}'", self.dtype)
        return given_dtype(layer, dtypes)


def _called(
    node: str,
    mine: Mapping[str, A],
    arrays: Mapping[str, str],
    known: dict[str, A],
    others: Mapping[str, object],
) -> dict[str, str]:
    """Return the network's name for each array of a node, and put what is new among the `known`."""
    called = {local: arrays.get(local, f"{node}/{local}") for local in mine}
    for local, array in called.items():
        if array in others:
            problem = f"the array '{array}' cannot be both a parameter and a buffer"
            raise GraphError(f"node '{node}': {problem}")
        held = known.setdefault(array, mine[local])
        if held.shape != mine[local].shape:
            raise ShapeError(
                f"wanted to share the array '{array}' of shape {held.shape}, but its own "
                f"'{local}' has shape {mine[local].shape}",
                f"node '{node}'",
            )
    return called


def _refuse_cycles(spec: ModelSpec) -> None:
    """Refuse nodes that feed themselves, and tell them from nodes in a wrong order."""
    feeds = {node.name: node.inputs for node in spec.nodes}
    known = {given.name for given in spec.inputs}
    for node in spec.nodes:
        for feed in node.inputs:
            if feed not in known and feed not in feeds:
                raise GraphError(
                    f"node '{node.name}' takes '{feed}', but there is no such node or input."
                    f"{nearest(feed, [*known, *feeds])}"
                )
    try:
        TopologicalSorter(
            {name: [feed for feed in inputs if feed not in known] for name, inputs in feeds.items()}
        ).prepare()
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise GraphError(f"the nodes make a cycle: {cycle}") from None

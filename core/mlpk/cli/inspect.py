"""`mlpk inspect`: what a file says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import click

from mlpk.cli.json_text import json_text
from mlpk.cli.text import facts, listed
from mlpk.file import reader
from mlpk.file.source import Source
from mlpk.table import size
from mlpk_schemas.file import Header, TensorEntry, TrainState
from mlpk_schemas.model import NodeSpec
from mlpk_schemas.records import values

__all__ = ["command"]


@click.command("inspect")
@click.argument("model", metavar="MODEL.mlpk")
@click.option("--json", "as_json", is_flag=True, help="Print the whole header as JSON.")
@click.option("--arrays", is_flag=True, help="List every array.")
def command(model: str, as_json: bool, arrays: bool) -> None:
    """Show what a file holds, without its plugins and without reading its arrays."""
    with Source.open(model) as source:
        digest, header = reader.digest(source), reader.read_header(source)
        count = source.size
    if as_json:
        click.echo(json_text(header, _json))
        return
    measured = [("digest", digest), ("size", f"{size(count)} ({count:,} bytes)")]
    click.echo(facts([*measured, *_facts(header)]))
    click.echo(f"\n{_nodes(header)}")
    if arrays:
        click.echo(f"\n{_tensors(header.tensors)}")


def _json(part: Any) -> Any:
    return part.hex() if isinstance(part, bytes) else values(part)


def _facts(header: Header) -> Iterator[tuple[str, str]]:
    spec, tensors = header.spec, header.tensors
    params = {array for node in spec.nodes for array in node.params.values()}
    yield "generator", header.generator
    yield "dtype", spec.dtype
    for given in spec.inputs:
        lengths = ", ".join("any" if length is None else str(length) for length in given.shape)
        yield "input", f"{given.name}: rows of shape ({lengths}), {given.dtype}"
    yield "outputs", ", ".join(spec.outputs)
    yield "parameters", f"{sum(prod(tensors[name].shape) for name in params & tensors.keys()):,}"
    for claim in header.plugins:
        named = f"{claim.dist} {claim.version}".strip()
        yield "plugin", f"{named}, so the file claims: {', '.join(claim.ids)}"
    for key, text in header.meta.items():
        yield "meta", f"{key}: {text}"
    yield "training", "no state kept" if header.state is None else _state(header.state)


def _state(state: TrainState) -> str:
    losses = ", ".join(dict.fromkeys(loss.id for loss in state.loss.values()))
    where = f"epoch {state.fit.epoch}" + f", batch {state.fit.batch}" * (state.fit.batch > 0)
    return (
        f"{where}, {state.optimizer.step:,} updates of {state.optimizer.id}, loss {losses}, "
        f"seed {state.seed}" + ", ended" * state.fit.stopped
    )


def _nodes(header: Header) -> str:
    rows = (
        (node.name, node.id, ", ".join(node.inputs), _arrays(node, header.tensors))
        for node in header.spec.nodes
    )
    return listed(("node", "kind", "inputs", "arrays"), rows)


def _arrays(node: NodeSpec, tensors: Mapping[str, TensorEntry]) -> str:
    """Return a node's arrays with their shapes; one of another node with its full name."""
    return ", ".join(
        f"{local if name == f'{node.name}/{local}' else name} "
        f"{tensors[name].shape if name in tensors else 'missing'}"
        for local, name in {**node.params, **node.buffers}.items()
    )


def _tensors(tensors: Mapping[str, TensorEntry]) -> str:
    rows = (
        (name, entry.dtype, str(entry.shape), f"{entry.nbytes:,}")
        for name, entry in tensors.items()
    )
    return listed(("array", "dtype", "shape", "bytes"), rows, numbers=("bytes",))

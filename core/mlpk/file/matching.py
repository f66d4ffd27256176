"""Whether a file holds exactly the arrays that its network declares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from mlpk.errors import FileFormatError, GraphError, ShapeError, UnknownKindError, listing
from mlpk.file.fields import refuse_other_fields
from mlpk.file.layout import type_of
from mlpk.file.older.upgraded import Upgraded, state_tensors, upgraded
from mlpk.file.refusal import escaped
from mlpk.graph import Graph
from mlpk_schemas.file import Header

__all__ = ["as_faults", "match", "understood"]


def understood(header: Header, *, opaque: bool) -> tuple[Upgraded, Graph]:
    """Return a file in the schemas of today, and its graph, which declares exactly its arrays."""
    with as_faults():
        file = upgraded(header)
        refuse_other_fields(file.header)
        graph = Graph.of_spec(file.header.spec, opaque=header.plugins if opaque else None)
        match(graph, file)
    return file, graph


@contextmanager
def as_faults() -> Iterator[None]:
    """Raise what does not fit together in a file as a fault of the file."""
    try:
        yield
    except (GraphError, ShapeError, UnknownKindError) as error:
        raise FileFormatError(escaped(str(error), 320)) from error


def match(graph: Graph, file: Upgraded) -> None:
    """Require the arrays of a file to be exactly those of a graph and its training run."""
    found = file.names
    wanted = _declared(graph)
    if file.header.state is not None:
        params, slots = graph.arrays("params"), set(file.header.state.optimizer.slots)
        if len(params) * len(slots) > len(found):  # a file can name far more than it holds
            problem = f"wanted {len(slots)} slots of {len(params)} parameters, found fewer tensors"
            raise ShapeError(problem, "tensors")
        for slot in slots:
            wanted |= {f"slot:{name}/{slot}": wanted[name] for name in params}
        wanted |= dict.fromkeys(state_tensors(file.header))
    if wanted.keys() != found:
        raise ShapeError(
            f"wanted exactly the tensors that the network declares; missing are: "
            f"{listing(wanted.keys() - found)}; unknown are: {listing(found - wanted.keys())}",
            "tensors",
        )
    for name, each in wanted.items():
        if each is not None:
            _match_one(name, file, *each)


def _declared(graph: Graph) -> dict[str, tuple[tuple[int, ...], str] | None]:
    """Return shape and dtype of every array of a network; None behind unknown nodes."""
    params, buffers = graph.arrays("params"), graph.arrays("buffers")
    if both := set(params).intersection(buffers):  # what the graph cannot tell of unknown kinds
        raise GraphError(f"the array '{min(both)}' cannot be both a parameter and a buffer")
    wanted: dict[str, tuple[tuple[int, ...], str] | None] = dict.fromkeys((*params, *buffers))
    for name, param in graph.params.items():
        wanted[name] = (param.shape, graph.dtype)
    for name, buffer in graph.buffers.items():
        wanted[name] = (buffer.shape, buffer.dtype or graph.dtype)
    return wanted


def _match_one(name: str, file: Upgraded, shape: tuple[int, ...], dtype: str) -> None:
    found = file.shape_and_dtype(name)
    if found != (shape, np.dtype(dtype)):
        problem = f"wanted {dtype} of shape {shape}, found {type_of(found[1])} of shape {found[0]}"
        raise ShapeError(problem, f"tensors.{name}")

"""One node of a file, lifted to the schemas that are active here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlpk import catalog
from mlpk.errors import ShapeError, listing
from mlpk.file.layout import DTYPES
from mlpk.kind import lacking
from mlpk.layer import Layer
from mlpk.migration import Form, newest
from mlpk.stored import Stored, Tensor
from mlpk_schemas.fields import KIND_KEYS
from mlpk_schemas.file import TensorEntry
from mlpk_schemas.model import NodeSpec

__all__ = ["described", "lifted", "tensor"]

Table = Mapping[str, TensorEntry]


def lifted(node: NodeSpec, tensors: Table) -> Form | None:
    """Return the form of a node after its migrations; None if it needs none, or lacks a kind."""
    here = catalog.current().schema_of("layers", node.id)
    if here is None or here < node.schema:
        return None
    cls: type[Layer] = catalog.current().by_id("layers", node.id, node.schema)
    kind = {"id": node.id, "schema": node.schema, "config": node.config}
    if (here == node.schema and not cls.wraps) or lacking("layers", kind):
        return None
    form = Form({**node.config}, *described(node, tensors))
    found = _lifted(cls, node.id, node.schema, form)
    return None if found is form else found


def described(node: NodeSpec, tensors: Table) -> tuple[dict[str, Stored], dict[str, Stored]]:
    """Return params and buffers of a node as the file holds them."""
    if absent := {*node.params.values(), *node.buffers.values()} - tensors.keys():
        raise ShapeError(f"missing are: {listing(absent)}", "tensors")
    return (
        {local: tensor(name, tensors) for local, name in node.params.items()},
        {local: tensor(name, tensors) for local, name in node.buffers.items()},
    )


def tensor(name: str, tensors: Table) -> Stored:
    """Return what the table says of a tensor."""
    entry = tensors[name]
    return Tensor(entry.shape, DTYPES[entry.dtype], name)


def _lifted(cls: type[Layer], identity: str, schema: int, form: Form) -> Form:
    """Return a layer's form after the migrations of the layers that it wraps, and its own."""
    for field, starts in cls.wraps.items():
        held = form.config.get(field)
        if isinstance(held, Mapping) and held.keys() == KIND_KEYS:
            form = _with_wrapped(form, field, held, starts)
    return newest(cls, identity, schema, form)


def _with_wrapped(form: Form, field: str, held: Mapping[str, Any], starts: Iterable[str]) -> Form:
    """Return a form after the migrations of the layer in a field, for each copy of its arrays."""
    cls: type[Layer] = catalog.current().by_id("layers", held["id"], held["schema"])
    outer = form
    for start in starts:
        mine = Form({**held["config"]}, _of(start, form.params), _of(start, form.buffers))
        new = _lifted(cls, held["id"], held["schema"], mine)
        if new is mine:
            return form
        kind = {"id": held["id"], "schema": cls.schema, "config": new.config}
        outer = Form(
            {**outer.config, field: kind},
            _put(start, outer.params, mine.params, new.params),
            _put(start, outer.buffers, mine.buffers, new.buffers),
        )
    return outer


def _of(start: str, arrays: Mapping[str, Stored]) -> dict[str, Stored]:
    return {
        name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)
    }


def _put(
    start: str, arrays: Mapping[str, Stored], old: Iterable[str], new: Mapping[str, Stored]
) -> dict[str, Stored]:
    """Return the arrays of a wrapping layer with those of one copy replaced."""
    gone = {start + name for name in old}
    others = {name: array for name, array in arrays.items() if name not in gone}
    return others | {start + name: array for name, array in new.items()}

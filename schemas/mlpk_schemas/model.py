"""What a network is, written down: a graph of named nodes, without its arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs
from attrs import field
from attrs.validators import deep_iterable, deep_mapping, ge, matches_re

from mlpk_schemas.records import record

__all__ = ["NAME", "FloatName", "InputSpec", "ModelSpec", "NodeSpec", "TypeName"]

# Node, array, slot and callback names.
NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
# The network's names of arrays, "node/array".
ARRAY_NAME = f"{NAME}/{NAME}"

FloatName = Literal["float32", "float64"]
TypeName = Literal[
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
    "float32", "float64",
]  # fmt: skip


def _from_one(_: object, __: attrs.Attribute[Any], shape: tuple[int | None, ...]) -> None:
    for length in shape:
        if length is not None and length < 1:
            raise ValueError(f"wanted lengths from 1, or None for an unknown one, found {length}")


@record
class InputSpec:
    """One input of a network: its shape without the batch axis, None for an unknown length."""

    name: str = field(validator=matches_re(NAME))
    shape: tuple[int | None, ...] = field(validator=_from_one)
    dtype: TypeName


@record
class NodeSpec:
    """One node: a kind with its configuration, what feeds it, and the names of its arrays.

    `params` and `buffers` map the node's own names to the network's ("weight": "dense/weight");
    two nodes that name the same array share it.
    """

    name: str = field(validator=matches_re(NAME))
    id: str
    schema: int = field(validator=ge(1))
    config: Mapping[str, Any]
    inputs: tuple[str, ...]
    params: Mapping[str, str] = field(
        validator=deep_mapping(matches_re(NAME), matches_re(ARRAY_NAME))
    )
    buffers: Mapping[str, str] = field(
        validator=deep_mapping(matches_re(NAME), matches_re(ARRAY_NAME))
    )


@record
class ModelSpec:
    """A whole network. Nodes stand in an order in which each comes after what feeds it."""

    dtype: FloatName
    inputs: tuple[InputSpec, ...]
    nodes: tuple[NodeSpec, ...]
    outputs: tuple[str, ...] = field(validator=deep_iterable(matches_re(NAME)))

"""Opaque nodes: kinds of a file that are not active here, kept as they were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from mlpk.arrays import Array, Arrays, Grads
from mlpk.context import Context
from mlpk.declaration import Declaration
from mlpk.errors import GraphError, MissingPluginError, UnknownKindError
from mlpk.example import Example
from mlpk.layer import Layer
from mlpk_schemas.file import PluginClaim

__all__ = ["Opaque"]


class Opaque(Layer):
    """A layer that nothing is known of but what the file says; running it raises.

    It stands in no catalog: only a file makes one, and saving writes it back unchanged.
    """

    kind: ClassVar[str] = "opaque"

    def __init__(
        self, identity: str, schema: int, config: Mapping[str, Any], claims: Sequence[PluginClaim]
    ) -> None:
        self.identity = identity
        self.written_schema = schema
        self.config = config
        self.claims = tuple(claims)

    @classmethod
    def read_or_keep(
        cls, value: Mapping[str, Any], where: str, claims: Sequence[PluginClaim]
    ) -> Layer:
        """Return the layer of {"id", "schema", "config"}, or an opaque one if a kind is missing."""
        try:
            return Layer.read(value, where)
        except UnknownKindError:
            return cls(value["id"], value["schema"], value["config"], claims)

    def plain(self) -> dict[str, Any]:
        """Return {"id", "schema", "config"} as it was read."""
        return {"id": self.identity, "schema": self.written_schema, "config": self.config}

    def declare(self, *inputs: Any, **_: Any) -> Declaration:
        raise GraphError(f"the shapes behind '{self.identity}' are unknown: its kind is not active")

    def forward(self, arrays: Arrays, ctx: Context, *inputs: Any, **_: Any) -> tuple[Array, Any]:
        raise self._missing()

    def backward(
        self, arrays: Arrays, ctx: Context, saved: Any, doutput: Array, grads: Grads
    ) -> Array | tuple[Array | None, ...] | None:
        raise self._missing()

    def _missing(self) -> MissingPluginError:
        claimed = [claim for claim in self.claims if self.identity in claim.ids]
        dist, version = (claimed[0].dist, claimed[0].version) if claimed else ("", "")
        return MissingPluginError([(self.identity, dist, version)])

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield from ()

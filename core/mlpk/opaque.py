"""Opaque nodes: kinds of a file that are not active here, or too old, kept as they were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from mlpk import catalog
from mlpk.arrays import Array, Arrays, Grads
from mlpk.context import Context
from mlpk.declaration import Declaration
from mlpk.errors import (
    RELOAD,
    GraphError,
    MissingPluginError,
    PluginError,
    TooNew,
    UnknownKindError,
)
from mlpk.example import Example
from mlpk.kind import inner, lacking
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
        self.schemas = {identity: schema, **{kind["id"]: kind["schema"] for kind in inner(config)}}

    @classmethod
    def read_or_keep(
        cls, value: Mapping[str, Any], where: str, claims: Sequence[PluginClaim]
    ) -> Layer:
        """Return the layer of {"id", "schema", "config"}, or an opaque one if a kind is missing.

        A kind that is active here, but too old for the file, is as good as missing.
        """
        if lacking(cls.family, value):
            return cls(value["id"], value["schema"], value["config"], claims)
        try:
            return Layer.read(value, where)
        except (UnknownKindError, PluginError):
            return cls(value["id"], value["schema"], value["config"], claims)

    def claimed(self) -> dict[str, tuple[str, str]]:
        """Return (distribution, version) by id of what stands in this node, as its file claims it."""
        return {
            identity: (claim.dist, claim.version)
            for claim in self.claims
            for identity in claim.ids
            if identity in self.schemas
        }

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
        claimed, active = self.claimed(), catalog.current()
        missing: list[tuple[str, str, str]] = []
        newer: list[TooNew] = []
        for identity, schema in self.schemas.items():
            claim = claimed.get(identity, ("", ""))
            here = active.schema_of(None, identity)
            if here is None:
                missing.append((identity, *claim))
            elif schema > here:
                newer.append(active.too_new(None, identity, schema, " ".join(claim).strip()))
        if not missing and not newer:  # they became active after the file was opened
            missing = [(identity, *claimed.get(identity, ("", ""))) for identity in self.schemas]
        why = {identity: active.why_missing(identity) for identity, _, _ in missing}
        reasons = {identity: reason for identity, reason in why.items() if reason}
        return MissingPluginError(missing, newer, reasons, remedy=RELOAD)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield from ()

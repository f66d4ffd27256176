"""What a file needs of the plugins that are here: each kind that it names, in its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from mlpk import catalog
from mlpk.catalog import FIRST_PARTY
from mlpk.errors import LOOK, PREDICT, MissingPluginError, TooNew
from mlpk.kind import inner
from mlpk_schemas.file import Header, TrainState
from mlpk_schemas.model import ModelSpec

__all__ = ["Need", "needs", "refuse_missing", "used"]

State: TypeAlias = Literal["active", "older", "newer", "missing"]


@attrs.frozen
class Need:
    """One kind of a file.

    `family` is None for one inside a configuration, where the field decides. `dist` and `version`
    are what the file claims; `here` is the schema that is active here, None if there is none.
    """

    family: str | None
    id: str
    schema: int
    dist: str
    version: str
    here: int | None

    @property
    def state(self) -> State:
        """How the file's schema stands to the one here."""
        if self.here is None:
            return "missing"
        if self.schema == self.here:
            return "active"
        return "older" if self.schema < self.here else "newer"

    def too_new(self) -> TooNew:
        claim = "" if self.dist == FIRST_PARTY else f"{self.dist} {self.version}".strip()
        return catalog.current().too_new(self.family, self.id, self.schema, claim)


def used(
    spec: ModelSpec, state: TrainState | None
) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """Yield (family, {"id", "schema", ...}) of every kind that a file names."""
    trees: list[Any] = []
    for node in spec.nodes:
        yield "layers", {"id": node.id, "schema": node.schema}
        trees.append(node.config)
    if state is not None:
        yield "optimizers", {"id": state.optimizer.id, "schema": state.optimizer.schema}
        trees += [state.optimizer.config, state.fit.options]
        for loss in state.loss.values():
            yield "losses", {"id": loss.id, "schema": loss.schema}
            trees.append(loss.config)
    for kind in inner(trees):
        yield None, kind


def needs(header: Header) -> list[Need]:
    """Return what a file needs, each kind once, in the order in which the file names them."""
    claims = {
        identity: (claim.dist, claim.version) for claim in header.plugins for identity in claim.ids
    }
    active = catalog.current()
    found: dict[tuple[str | None, str, int], Need] = {}
    for family, kind in used(header.spec, header.state):
        identity, schema = kind["id"], kind["schema"]
        if (family, identity, schema) not in found:
            claim = claims.get(identity, ("", "") if ":" in identity else (FIRST_PARTY, ""))
            here = active.schema_of(family, identity)
            found[family, identity, schema] = Need(family, identity, schema, *claim, here)
    return list(found.values())


def refuse_missing(header: Header, path: str | None = None) -> None:
    """Refuse a file whose kinds are not all active, or too old, here; all of them at once."""
    found = needs(header)
    missing = dict.fromkeys(
        (need.id, *(("", "") if need.dist == FIRST_PARTY else (need.dist, need.version)))
        for need in found
        if need.state == "missing"
    )
    newer = [need.too_new() for need in found if need.state == "newer"]
    if missing or newer:
        why = {identity: catalog.current().why_missing(identity) for identity, _, _ in missing}
        reasons = {identity: reason for identity, reason in why.items() if reason}
        layers = {kind["id"] for _, kind in used(header.spec, None)}
        lacks_layers = any(
            need.id in layers for need in found if need.state in ("missing", "newer")
        )
        raise MissingPluginError(
            list(missing),
            list(dict.fromkeys(newer)),
            reasons,
            path,
            LOOK if lacks_layers else PREDICT,
        )

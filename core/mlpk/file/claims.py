"""The kinds that a header names, and what it claims of the third parties among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlpk.errors import ConfigError, listing, shown
from mlpk_schemas.fields import KIND_KEYS
from mlpk_schemas.file import Header
from mlpk_schemas.tree import Walk

__all__ = ["check_claims"]


def check_claims(header: Header) -> None:
    """Require the claims to be those of exactly the third-party kinds that the header names.

    The kinds inside configurations are brought to light for it, and have to be well-formed.
    """
    used = {identity for identity in _identities(header) if ":" in identity}
    order = [(claim.dist, claim.version) for claim in header.plugins]
    if order != sorted(set(order)):
        problem = "wanted claims sorted by dist and version, each once, found another order"
        raise ConfigError("plugins", problem)
    claimed: set[str] = set()
    for place, claim in enumerate(header.plugins):
        if not claim.ids or list(claim.ids) != sorted(set(claim.ids)):
            problem = f"wanted one id or more, sorted, each once, found {shown(list(claim.ids))}"
            raise ConfigError(f"plugins[{place}].ids", problem)
        if twice := claimed.intersection(claim.ids):
            problem = f"wanted each id in one claim, found {listing(twice)} in two"
            raise ConfigError(f"plugins[{place}].ids", problem)
        claimed.update(claim.ids)
    if claimed != used:
        raise ConfigError(
            "plugins",
            "wanted exactly the third-party ids of spec and state; missing are: "
            f"{listing(used - claimed)}; unknown are: {listing(claimed - used)}",
        )


def _identities(header: Header) -> Iterator[str]:
    trees: dict[str, Any] = {}
    for place, node in enumerate(header.spec.nodes):
        yield node.id
        trees[f"spec.nodes[{place}].config"] = node.config
    if header.state is not None:
        yield header.state.optimizer.id
        trees["state.optimizer.config"] = header.state.optimizer.config
        trees["state.fit.options"] = header.state.fit.options
        for output, loss in header.state.loss.items():
            yield loss.id
            trees[f"state.loss.{output}.config"] = loss.config
    yield from _inside(trees)


def _inside(trees: dict[str, Any]) -> Iterator[str]:
    """Yield the id of each kind inside configurations, which are given under their paths."""
    walk = Walk(trees)
    for batch in walk:
        if len(KIND_KEYS) in map(len, batch.tables):
            for table in batch.tables:
                if table.keys() == KIND_KEYS:
                    yield _checked(table, walk)["id"]


def _checked(kind: dict[str, Any], walk: Walk) -> dict[str, Any]:
    """Return what has the keys of a kind, if its values are those of a kind, too."""
    if (
        isinstance(kind["id"], str)
        and type(kind["schema"]) is int
        and kind["schema"] >= 1
        and isinstance(kind["config"], dict)
        and kind["config"].keys() != KIND_KEYS
    ):
        return kind
    problem = "wanted a kind's id as text, its schema from 1 and its config as a mapping, found "
    raise ConfigError(walk.where(kind), problem + shown(kind))

"""What implementations are of: the classes behind the names that they give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlpk.errors import ConfigError, nearest
from mlpk.implementation import METHODS, Implementation
from mlpk.record import IMPLEMENTATIONS, Brought

if TYPE_CHECKING:
    from mlpk.catalog import Catalog
    from mlpk.kind import Kind

__all__ = ["check_targets", "target"]


def target(kinds: Catalog, implementation: Implementation) -> type[Kind] | None:
    """Return the class that is implemented; None if its distribution is not active here.

    Refuses a name that no kind has, or several have, and functions that do not fit.
    """
    name = implementation.kind
    if ":" in name:
        owner = kinds.owner(name)
        if owner is None or owner.state != "active":
            return None
    found = [kinds.find(family, name) for family in METHODS if _has(kinds, family, name)]
    if not found:
        raise ConfigError(f"Implementation('{name}')", _why_none(kinds, name))
    problems = []
    for kind in found:  # a layer and a loss may be called the same
        try:
            implementation.check(kind)
        except ConfigError as error:
            problems.append(error)
        else:
            return kind  # type: ignore[no-any-return] # a class, as all of these families are
    raise problems[0]


def check_targets(kinds: Catalog, brought: Iterable[Brought]) -> None:
    """Refuse, of what one distribution brought, implementations of no kind, or two of one."""
    seen: dict[type[Kind], Implementation] = {}
    for item in (each for each in brought if each.family == IMPLEMENTATIONS):
        kind = target(kinds, item.thing)
        if kind is not None and kind in seen:
            names = f"'{seen[kind].kind}' and '{item.kind}'"
            raise ConfigError(f"Implementation('{item.kind}')", f"{names} are the same kind")
        if kind is not None:
            seen[kind] = item.thing


def _has(kinds: Catalog, family: str, name: str) -> bool:
    return kinds.has(family, name) or name in kinds.names(family)


def _why_none(kinds: Catalog, name: str) -> str:
    """Return why a name is that of nothing that can be implemented."""
    families = dict.fromkeys(item.family for item in kinds.brought)
    for family in families:
        if _has(kinds, family, name):
            return f"is one of the {family}; those of the {', '.join(METHODS)} may be implemented"
    names = [each for family in METHODS for each in kinds.names(family)]
    several = [f"'{each}'" for each in names if each.rpartition(":")[2] == name]
    if several:
        return f"several plugins offer it: write {' or '.join(several)}"
    return f"there is no such kind among the {', '.join(METHODS)}.{nearest(name, names)}"

"""What is installed, as users see and change it: `mlpk.plugins`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlpk import catalog, staging
from mlpk.catalog import LOCAL, Brought, Catalog, Record
from mlpk.errors import PluginWarning

__all__ = ["PluginWarning", "Record", "add", "records", "refresh"]


def records() -> tuple[Record, ...]:
    """Return one record a plugin: dist, version, state, seconds, kinds and error."""
    return catalog.current().records


def add(thing: object) -> Record:
    """Register a plugin that has no entry point: a module, an object with hooks, or a kind's class.

    For notebooks, frozen programs and tests. The ids are `_local:kind`; adding a kind again
    replaces it. Raises what is wrong with it, and changes nothing then.
    """
    added = staging.local(thing)
    new = {(item.family, item.kind) for item in added}

    def joined(_: object) -> Catalog:
        old = catalog.current()
        kept = [
            item
            for item in old.brought
            if item.dist != LOCAL or (item.family, item.kind) not in new
        ]
        gone = [item for item in old.brought if item not in kept]
        return _with_local(old, [*kept, *added], [*old.former, *gone])

    made = catalog.swap(joined)
    return next(record for record in made.records if record.dist == LOCAL)


def refresh() -> tuple[Record, ...]:
    """Look again at what is installed, keep what was added, and return the new records."""
    old = catalog.current()
    local = [item for item in old.brought if item.dist == LOCAL]

    def rediscover(show_unfinished: Callable[[Catalog], None]) -> Catalog:
        found = catalog.discovered(show_unfinished)
        return _with_local(found, [*found.brought, *local], old.former) if local else found

    return catalog.swap(rediscover).records


def _with_local(old: Catalog, brought: list[Brought], former: Sequence[Brought]) -> Catalog:
    kinds = tuple(sorted(item.id for item in brought if item.dist == LOCAL))
    record = Record(LOCAL, "", "active", 0.0, kinds)
    records = [*(kept for kept in old.records if kept.dist != LOCAL), record]
    return Catalog(brought, records, former)

"""What is installed, as users see and change it: `mlpk.plugins`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import attrs

from mlpk import catalog, staging
from mlpk.catalog import LOCAL, Brought, Catalog, Record, Show
from mlpk.errors import PluginWarning, PortabilityWarning
from mlpk.target import check_targets

__all__ = ["PluginWarning", "PortabilityWarning", "Record", "add", "records", "refresh"]


def records() -> tuple[Record, ...]:
    """Return one record a plugin: dist, version, state, seconds, kinds and error."""
    return catalog.current().records


def add(thing: object) -> Record:
    """Register a plugin that has no entry point: a module, an object with hooks, or a kind's class.

    For notebooks, frozen programs and tests. The ids are `_local:kind`; adding a kind again
    replaces it. Raises what is wrong with it, and changes nothing then.
    """
    catalog.current()
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
        made = _with_local(old, [*kept, *added], [*old.former, *gone])
        check_targets(made, [item for item in made.brought if item.dist == LOCAL])
        return made

    made = catalog.swap(joined)
    return next(record for record in made.records if record.dist == LOCAL)


def refresh() -> tuple[Record, ...]:
    """Look again at what is installed, keep what was added, and return the new records.

    What was installed since is found; a module that is in use already stays as it is until the
    program starts again, also where a newer release of it is installed now.
    """
    from importlib import metadata  # noqa: PLC0415 - a third of the time of `import mlpk`

    old = catalog.current()
    local = [item for item in old.brought if item.dist == LOCAL]

    def rediscover(show_unfinished: Show) -> Catalog:
        importlib.invalidate_caches()
        metadata.MetadataPathFinder().invalidate_caches()  # which Python 3.11 leaves out above
        found = catalog.discovered(show_unfinished)
        records = [_as_imported(record, old) for record in found.records]
        again = Catalog(found.brought, records, old.former, preferred=old.preferred)
        return _with_local(again, [*found.brought, *local], old.former) if local else again

    return catalog.swap(rediscover).records


def _as_imported(record: Record, old: Catalog) -> Record:
    """Return the record of what runs: a module is not imported twice."""
    for before in old.records:
        if before.dist == record.dist and before.state == record.state == "active":
            if before.version == record.version:
                return record
            note = f"{record.version} is installed now; start Python again to use it"
            return attrs.evolve(record, version=before.version, note=note)
    return record


def _with_local(old: Catalog, brought: list[Brought], former: Sequence[Brought]) -> Catalog:
    record = Record.active(LOCAL, "", 0.0, [item for item in brought if item.dist == LOCAL])
    records = [*(kept for kept in old.records if kept.dist != LOCAL), record]
    return Catalog(brought, records, former, preferred=old.preferred)

"""Finding plugins: every entry point of the group "mlpk", one distribution after the other.

A distribution whose import or hooks fail is recorded with its traceback; everything else works.
"""

from __future__ import annotations

import os
import re
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from importlib import metadata

from mlpk.catalog import FIRST_PARTY, Brought, Catalog, Record
from mlpk.errors import PluginError, PluginWarning, nearest
from mlpk.staging import stage

__all__ = ["GROUP", "discover"]

GROUP = "mlpk"


def discover(show_unfinished: Callable[[Catalog], None]) -> Catalog:
    """Return a catalog of what is installed and allowed by the environment.

    MLPK_PLUGINS lists the distributions to load (unset: all, empty: none), MLPK_PLUGINS_BLOCK
    takes some away, MLPK_PLUGINS_STRICT=1 makes a failed plugin an error.
    """
    dists = _installed()
    brought, record = _load(FIRST_PARTY, dists.pop(FIRST_PARTY, []))
    if record.error is not None:
        raise PluginError(f"mlpk's own plugins cannot be loaded:\n{record.error}", FIRST_PARTY)
    if not brought:
        raise PluginError(
            "mlpk's own plugins were not found: their entry points come with an installation; "
            "install the project (python -m pip install .)",
            FIRST_PARTY,
        )
    records = [record]
    show_unfinished(Catalog(brought, records))
    blocked = _blocked(dists)
    for dist, points in sorted(dists.items()):
        if dist in blocked:
            version = _version(points[0])
            records.append(
                Record(dist, version, "blocked", 0.0, (), f"kept out by {blocked[dist]}")
            )
            continue
        found, record = _load(dist, points)
        records.append(record)
        brought = [*brought, *found]
        if record.error is not None:
            _complain(record)
    return Catalog(brought, records)


def _installed() -> dict[str, list[metadata.EntryPoint]]:
    dists: dict[str, list[metadata.EntryPoint]] = {}
    for point in metadata.entry_points(group=GROUP):
        # A folder without metadata has no name to go by: it is left behind by something else.
        if point.dist is not None and point.dist.name:
            dists.setdefault(_normalised(point.dist.name), []).append(point)
    return dists


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version(point: metadata.EntryPoint) -> str:
    return point.dist.version if point.dist is not None else ""


def _blocked(dists: Iterable[str]) -> dict[str, str]:
    """Return the distributions that the environment keeps out, with the variable that does."""
    known = set(dists)
    blocked = {}
    if (allowed := _listed("MLPK_PLUGINS", known)) is not None:
        blocked = dict.fromkeys(known - allowed, "MLPK_PLUGINS")
    denied = _listed("MLPK_PLUGINS_BLOCK", known)
    return blocked | dict.fromkeys(denied or (), "MLPK_PLUGINS_BLOCK")


def _listed(variable: str, known: set[str]) -> set[str] | None:
    if variable not in os.environ:
        return None
    names = {_normalised(name.strip()) for name in os.environ[variable].split(",") if name.strip()}
    for name in sorted(names - known):
        problem = f"but no plugin of that name is installed.{nearest(name, known)}"
        if name == FIRST_PARTY:
            problem = "whose own plugins are always active; leave it out"
        raise PluginError(f"{variable} names '{name}', {problem}", name)
    return names


def _load(dist: str, points: list[metadata.EntryPoint]) -> tuple[list[Brought], Record]:
    started = time.perf_counter()
    version = _version(points[0]) if points else ""
    try:
        brought = stage(dist, [point.load() for point in sorted(points)])
    except (Exception, SystemExit):  # noqa: BLE001 - whatever a plugin raises stays its own failure
        seconds = time.perf_counter() - started
        return [], Record(dist, version, "failed", seconds, (), traceback.format_exc())
    seconds = time.perf_counter() - started
    kinds = tuple(sorted(item.id for item in brought))
    return brought, Record(dist, version, "active", seconds, kinds)


def _complain(record: Record) -> None:
    reason = (record.error or "").strip().splitlines()[-1]
    message = (
        f"the plugin {record.dist} {record.version} failed to load and is left out: {reason}. "
        f"`mlpk plugins` shows more; MLPK_PLUGINS_BLOCK={record.dist} silences this."
    )
    if os.environ.get("MLPK_PLUGINS_STRICT", "") not in ("", "0"):
        raise PluginError(message, record.dist)
    warnings.warn(message, PluginWarning, stacklevel=2)

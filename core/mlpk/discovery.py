"""Finding plugins: every entry point of the group "mlpk", one distribution after the other.

A distribution is imported, its hooks are checked and called, what they return is validated, and
only then all of it is committed, or none. One that fails is recorded with its traceback.
"""

from __future__ import annotations

import inspect
import os
import re
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata
from typing import Any

import pluggy

from mlpk import hookspecs
from mlpk.catalog import FIRST_PARTY, LOCAL, Brought, Catalog, Record
from mlpk.errors import ConfigError, PluginError, nearest
from mlpk.initializer import Initializer
from mlpk.kind import Kind
from mlpk.layer import Layer
from mlpk.loss import Loss
from mlpk.metric import Metric
from mlpk.optimizer import Optimizer
from mlpk.regularizer import Regularizer
from mlpk.schedule import Schedule

__all__ = ["FAMILIES", "GROUP", "PluginWarning", "discover", "local"]

GROUP = "mlpk"
FAMILIES: dict[str, type[Kind] | None] = {
    "layers": Layer,
    "optimizers": Optimizer,
    "losses": Loss,
    "initializers": Initializer,
    "schedules": Schedule,
    "metrics": Metric,
    "regularizers": Regularizer,
    "callbacks": None,  # ordinary classes with a kind
    "datasets": None,  # functions
}


class PluginWarning(UserWarning):
    """A plugin could not be loaded; everything else works."""


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
            records.append(Record(dist, version, "blocked", 0.0, (), f"blocked by {blocked[dist]}"))
            continue
        found, record = _load(dist, points)
        records.append(record)
        brought = [*brought, *found]
        if record.error is not None:
            _complain(record)
    return Catalog(brought, records)


def local(thing: object) -> list[Brought]:
    """Return what a module, an object with hooks or a single kind brings, without an entry point."""
    if isinstance(thing, type) and issubclass(thing, Kind):
        return [_brought(LOCAL, thing.family, thing)]
    return _collect(LOCAL, [thing])


def _installed() -> dict[str, list[metadata.EntryPoint]]:
    dists: dict[str, list[metadata.EntryPoint]] = {}
    for point in metadata.entry_points(group=GROUP):
        if point.dist is not None:
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
        raise PluginError(
            f"{variable} names '{name}', but no plugin of that name is installed."
            f"{nearest(name, known)}",
            name,
        )
    return names


def _load(dist: str, points: list[metadata.EntryPoint]) -> tuple[list[Brought], Record]:
    started = time.perf_counter()
    version = _version(points[0]) if points else ""
    try:
        brought = _collect(dist, [point.load() for point in sorted(points)])
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


def _collect(dist: str, modules: Iterable[object]) -> list[Brought]:
    brought: list[Brought] = []
    for module in modules:
        manager = pluggy.PluginManager("mlpk")
        manager.add_hookspecs(hookspecs)
        _check_hooks(module, manager)
        manager.register(module)
        found = [
            _brought(dist, family, thing)
            for family in FAMILIES
            for things in manager.hook.__getattribute__(f"mlpk_{family}")()
            for thing in _things(family, things)
        ]
        if not found:
            raise PluginError(f"{module!r} brings nothing: it has no hook that returns kinds", dist)
        brought += found
    _check_unique(dist, brought)
    return brought


def _check_hooks(module: object, manager: pluggy.PluginManager) -> None:
    """Refuse a misspelt hook, and a public mlpk_* function that misses its marker."""
    known = [name for name in vars(hookspecs) if name.startswith("mlpk_")]
    for name in dir(module):
        value = getattr(module, name, None)
        if not name.startswith("mlpk_") or not inspect.isroutine(value):
            continue
        if name not in known:
            raise PluginError(f"there is no hook {name}.{nearest(name, known)}")
        if manager.parse_hookimpl_opts(module, name) is None:
            raise PluginError(f"{name} is not marked as a hook: put @mlpk.hookimpl on it")


def _things(family: str, things: object) -> Iterator[Any]:
    if isinstance(things, str | Mapping) or not isinstance(things, Iterable):
        raise PluginError(f"mlpk_{family} must return a list, found {type(things).__name__}")
    yield from things


def _brought(dist: str, family: str, thing: Any) -> Brought:
    base = FAMILIES[family]
    if base is not None:
        if not isinstance(thing, type) or not issubclass(thing, base):
            raise ConfigError(
                f"mlpk_{family}", f"wanted subclasses of {base.__name__}, found {thing!r}"
            )
        if "__mlpk_checks__" not in vars(thing):
            raise ConfigError(thing.__name__, "this class is not defined with @mlpk.define")
        return Brought(family, thing.kind, dist, thing)
    if family == "datasets":
        if not inspect.isfunction(thing):
            raise ConfigError(f"mlpk_{family}", f"wanted functions, found {thing!r}")
        return Brought(family, thing.__name__, dist, thing)
    kind = getattr(thing, "kind", None)
    if not isinstance(thing, type) or not isinstance(kind, str):
        raise ConfigError(f"mlpk_{family}", f"wanted classes with a kind, found {thing!r}")
    return Brought(family, kind, dist, thing)


def _check_unique(dist: str, brought: list[Brought]) -> None:
    seen: dict[tuple[str, str], Any] = {}
    for item in brought:
        if (item.family, item.kind) in seen:
            other = seen[item.family, item.kind]
            raise PluginError(f"{item.kind} is brought twice: {other!r} and {item.thing!r}", dist)
        seen[item.family, item.kind] = item.thing

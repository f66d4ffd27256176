"""The schemas of callbacks: what the state of an earlier release goes through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlpk import catalog
from mlpk.errors import ConfigError, MissingPluginError, TooNew, shown

__all__ = ["SCHEMAS", "current_states", "schemas"]

# The key among the options of a run under which the schemas stand that are not 1.
SCHEMAS = "schemas"
NamedCallbacks = Iterable[tuple[str, Any]]


def schemas(callbacks: NamedCallbacks) -> dict[str, Any]:
    """Return {"schemas": {name: schema}} of callbacks by name; nothing if each has schema 1."""
    found = {
        name: schema for name, callback in callbacks if (schema := _schema(name, callback)) > 1
    }
    return {SCHEMAS: found} if found else {}


def current_states(
    callbacks: NamedCallbacks, states: Mapping[str, dict[str, Any]], written: object
) -> dict[str, dict[str, Any]]:
    """Return the states of a file after the migrations of the callbacks that they belong to.

    `written` are the schemas that the file tells. A newer one is refused.
    """
    told = written if isinstance(written, Mapping) else {}
    here = [(name, callback) for name, callback in callbacks if name in states]
    then = {name: told.get(name, 1) for name, _ in here}
    newer = [
        _too_new(callback, then[name], _schema(name, callback))
        for name, callback in here
        if type(then[name]) is not int or then[name] > _schema(name, callback)
    ]
    if newer:
        raise MissingPluginError([], newer)
    grown = {}
    for name, callback in here:
        state = states[name]
        for number, step in _steps(callback, then[name], _schema(name, callback)):
            where = f"callbacks.{name}, migration from schema {number} to {number + 1}"
            try:
                state = step(dict(state))
            except Exception as error:  # whatever a plugin makes of a state that is not as it was
                raise ConfigError(where, f"{type(error).__name__}: {error}") from error
            if not isinstance(state, dict):
                raise ConfigError(
                    where, f"wanted the state of the next schema, found {shown(state)}"
                )
        grown[name] = state
    return {**states, **grown}


def _schema(name: str, callback: Any) -> int:
    """Return the schema of a callback's state, 1 unless it says so; each before has its migration."""
    schema = getattr(callback, "schema", 1)
    if type(schema) is not int or schema < 1:
        problem = f"wanted an integer from 1, found {shown(schema)}"
        raise ConfigError(f"callbacks.{name}.schema", problem)
    missing = [str(number) for number, step in _steps(callback, 1, schema) if not callable(step)]
    if missing:
        problem = f"wanted a function for each schema before {schema}, found none for "
        raise ConfigError(f"callbacks.{name}.migrations", problem + ", ".join(missing))
    return schema


def _steps(callback: Any, start: int, stop: int) -> Iterator[tuple[int, Any]]:
    migrations = getattr(callback, "migrations", {})
    return ((number, migrations.get(number)) for number in range(start, stop))


def _too_new(callback: Any, schema: int, here: int) -> TooNew:
    active = catalog.current()
    kind = getattr(callback, "kind", type(callback).__name__)
    owned = [item.id for item in active.brought if item.thing is type(callback)]
    identity = owned[0] if owned else str(kind)
    return active.too_new("callbacks", identity, schema)._replace(here=here)

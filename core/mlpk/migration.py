"""Migrations: from the form in which one schema of a kind wrote it down to that of the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from mlpk.errors import ConfigError, listing, shown
from mlpk.stored import Stored, computed, filled, joined

if TYPE_CHECKING:
    from mlpk.kind import Kind

__all__ = ["Form", "Migration", "check_migrations", "computed", "filled", "joined", "newest"]


@attrs.define
class Form:
    """What a file holds of one kind, and what a migration changes.

    `config` is plain data. `params` and `buffers` are a layer's arrays by its own names, described
    and not yet read. `slots` maps an optimizer's slots to their names in the file.
    """

    config: dict[str, Any]
    params: dict[str, Stored] = attrs.field(factory=dict)
    buffers: dict[str, Stored] = attrs.field(factory=dict)
    slots: dict[str, str] = attrs.field(factory=dict)

    def copy(self) -> Form:
        """Return a form whose change does not show in this one."""
        return Form(deepcopy(self.config), dict(self.params), dict(self.buffers), dict(self.slots))


# From a form, which it may change, to that of the next schema. A migration depends on nothing but
# the form, and is never edited after its release.
Migration: TypeAlias = Callable[[Form], Form]


def check_migrations(cls: type[Kind]) -> None:
    """Refuse a class that has not just one migration for each schema before its own."""
    steps = cls.migrations
    wanted = set(range(1, cls.schema))
    where = f"{cls.__name__}.migrations"
    if not isinstance(steps, Mapping) or set(steps) != wanted:
        numbers = ", ".join(map(str, sorted(wanted))) or "none"
        found = listing(map(str, steps)) if isinstance(steps, Mapping) else shown(steps)
        problem = f"wanted a function for each schema before {cls.schema} ({numbers})"
        raise ConfigError(where, f"{problem}, by the number it leads on from; found {found}")
    for number, step in steps.items():
        if not callable(step):
            raise ConfigError(f"{where}[{number}]", f"wanted a function, found {shown(step)}")


def newest(cls: type[Kind], identity: str, schema: int, form: Form) -> Form:
    """Return a form of an earlier schema in that of the class; `form` itself stays as it is."""
    if schema == cls.schema:
        return form
    form = form.copy()
    for number in range(schema, cls.schema):
        where = f"{identity}, migration from schema {number} to {number + 1}"
        try:
            form = cls.migrations[number](form)
        except Exception as error:  # whatever a plugin makes of a file that is not as it was
            raise ConfigError(where, f"{type(error).__name__}: {error}") from error
        _check(form, where)
    return form


def _check(form: object, where: str) -> None:
    """Refuse what no migration may return."""
    if not isinstance(form, Form):
        raise ConfigError(where, f"wanted the Form of the next schema, found {shown(form)}")
    for field, held in attrs.asdict(form, recurse=False).items():
        if not isinstance(held, dict) or not all(isinstance(name, str) for name in held):
            problem = f"wanted a dict with text as keys in its {field}, found {shown(held)}"
            raise ConfigError(where, problem)
    for array in (*form.params.values(), *form.buffers.values()):
        if not isinstance(array, Stored):
            raise ConfigError(where, f"wanted arrays made of those given, found {shown(array)}")
    for slot in form.slots.values():
        if not isinstance(slot, str):
            raise ConfigError(where, f"wanted slots under their earlier names, found {shown(slot)}")

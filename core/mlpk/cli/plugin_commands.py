"""The commands that plugins bring, as the command line knows them."""

from __future__ import annotations

from collections.abc import Collection

import click

from mlpk import catalog

__all__ = ["found", "names"]

FAMILY = "commands"


def names(taken: Collection[str]) -> list[str]:
    """Return what each is called: its own name where that is not taken and it alone has it, or its id."""
    active = catalog.current()
    return sorted(
        active.id_of(active.find(FAMILY, name)) if name in taken else name
        for name in active.names(FAMILY)
    )


def found(name: str) -> click.Command | None:
    """Return the command of a name or an id, None if there is none.

    Raises `UnknownKindError` for a name that several plugins offer, and `PluginError` for an id of
    a plugin that is not active.
    """
    active = catalog.current()
    brought = [item for item in active.brought if item.family == FAMILY]
    if ":" not in name and all(name != item.kind for item in brought):
        return None
    command: click.Command = active.find(FAMILY, name)
    return command

"""Configurations: a TOML file, and the changes to it from the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from mlpk.errors import ConfigError, FileAccessError, shown
from mlpk.file.prelude import START
from mlpk_schemas import run
from mlpk_schemas.run import RunConfig

__all__ = ["changes_option", "read_config"]

changes_option = click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change the configuration, as in --set fit.epochs=3; may be given several times. The "
    "value is read as TOML, or as text where it is no TOML.",
)


def read_config(path: str, changes: Iterable[str]) -> RunConfig:
    """Return the configuration of a file, after `changes` ("fit.epochs=3")."""
    try:
        held = Path(path).read_bytes()
    except OSError as error:
        problem = f"{path}: the configuration cannot be read: {error.strerror}"
        raise FileAccessError(problem, path, error.errno) from error
    if held.startswith(START):
        raise ConfigError(path, f"wanted a configuration in TOML, found a .mlpk file{_order()}")
    try:
        tree = tomllib.loads(held.decode("utf-8-sig"))  # editors of Windows put a mark first
    except (ValueError, RecursionError) as error:
        problem = (
            "wanted a configuration in TOML, the one form that is read (JSON and YAML are not)"
        )
        raise ConfigError(path, f"{problem}: {error}") from error
    for change in changes:
        _apply(tree, change)
    return run.read(tree)


def _order() -> str:
    """Return what the command under way takes, and in which order."""
    context = click.get_current_context(silent=True)
    if context is None:
        return ""
    taken = [each for each in context.command.params if isinstance(each, click.Argument)]
    words = " ".join(each.metavar or each.human_readable_name for each in taken)
    order = ", in this order" if len(taken) > 1 else ""
    return f"; `{context.command_path}` takes {words}{order}"


def _apply(tree: dict[str, Any], change: str) -> None:
    path, equals, text = change.partition("=")
    steps = path.strip().replace("[", ".").replace("]", "").split(".")
    if not equals or not all(steps):
        raise ConfigError("--set", f"wanted KEY=VALUE, as in fit.epochs=3, found {shown(change)}")
    at: Any = tree
    for place, step in enumerate(steps[:-1]):
        here = ".".join(steps[:place])
        at = at.setdefault(step, {}) if isinstance(at, dict) else _item(at, step, here)
    *before, last = steps
    if isinstance(at, dict):
        at[last] = _value(text)
    else:
        _item(at, last, ".".join(before))
        at[int(last)] = _value(text)


def _item(held: Any, step: str, where: str) -> Any:
    """Return the item of a list; anything else has none to change."""
    if isinstance(held, list) and step.isdecimal() and int(step) < len(held):
        return held[int(step)]
    wanted = f"a place from 0 to {len(held) - 1}" if isinstance(held, list) else "a table"
    found = f"'{step}'" if isinstance(held, list) else f"{shown(held)}; set '{where}' as a whole"
    raise ConfigError(f"--set {where}", f"wanted {wanted}, found {found}")


def _value(text: str) -> Any:
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if found.keys() == {"value"} else text

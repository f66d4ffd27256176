"""Write kinds.md: every kind that comes with mlpk, its fields and an example, as installed.

Run it with `python docs/kinds.py` after a kind was added or changed.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from mlpk import catalog
from mlpk.catalog import FIRST_PARTY, Brought
from mlpk.kind import Kind
from mlpk.staging import FAMILIES

HEAD = """# Kinds

Everything that comes with mlpk, by family: its fields with their defaults, what it computes, and
how it may be written in code, with fields that have a default left out where they keep it.
`help(mlpk.layers.dense)` tells shapes, ranges and sources. This page is written by
`python docs/kinds.py`.
"""

COMMANDS = """
## Commands

`mlpk --help` lists all, those of plugins last. These come with mlpk as a plugin's:

"""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for family in FAMILIES:
        brought = [
            item
            for item in catalog.current().brought
            if item.family == family and item.dist == FIRST_PARTY
        ]
        if family == "commands":
            told = [f"- `mlpk {item.kind}`: {_first_line(item.thing.callback)}" for item in brought]
            parts.append(COMMANDS + "\n".join(told) + "\n")
            continue
        rows = [
            f"| `{item.kind}` | {_fields(item.thing)} | {_first_line(item.thing)} "
            f"| `{_example(item)}` |"
            for item in sorted(brought, key=lambda item: item.kind)
        ]
        parts.append(
            f"\n## {family.capitalize()}\n\n"
            "| kind | fields | what it is | for example |\n|---|---|---|---|\n"
        )
        parts.append("\n".join(rows) + "\n")
    return "".join(parts)


def _fields(thing: object) -> str:
    """Return names and defaults; a kind as a default goes by its own name."""
    shown = []
    for name, parameter in inspect.signature(thing).parameters.items():  # type: ignore[arg-type] # classes and functions
        if parameter.default is parameter.empty:
            shown.append(f"`{name}`")
        else:
            shown.append(f"`{name}={parameter.default!r}`")
    return ", ".join(shown)


def _example(item: Brought) -> str:
    """Return code that makes one: a kind's first example, of others a call with what they require."""
    if isinstance(item.thing, type) and issubclass(item.thing, Kind):
        return _code(next(iter(item.thing.examples())).instance)
    parameters = inspect.signature(item.thing).parameters.values()
    required = [each.name for each in parameters if each.default is each.empty]
    return f"mlpk.{item.family}.{item.kind}({', '.join(required)})"


def _code(value: object) -> str:
    """Return a value as code; of a kind only the fields that are not at their defaults."""
    if not isinstance(value, Kind):
        return repr(value)
    given = []
    for name, parameter in inspect.signature(type(value)).parameters.items():
        own = getattr(value, name)
        named = isinstance(own, Kind) and f"mlpk.{own.family}.{parameter.default}()" == _code(own)
        if own != parameter.default and not named:
            given.append(f"{name}={_code(own)}")
    return f"mlpk.{value.family}.{value.kind}({', '.join(given)})"


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").split("\n")[0].replace("|", "\\|")


if __name__ == "__main__":
    Path(__file__).with_name("kinds.md").write_text(page(), encoding="utf-8")

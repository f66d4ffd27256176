"""Write kinds.md: every kind that comes with mlpk, with its fields, from what is installed.

Run it with `python docs/kinds.py` after a kind was added or changed.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from mlpk import catalog
from mlpk.catalog import FIRST_PARTY
from mlpk.staging import FAMILIES

HEAD = """# Kinds

Everything that comes with mlpk, by family: what it computes, and its fields with their defaults.
`help(mlpk.layers.dense)` tells shapes, ranges and sources. This page is written by
`python docs/kinds.py`.
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
        rows = [
            f"| `{item.kind}` | {_fields(item.thing)} | {_first_line(item.thing)} |"
            for item in sorted(brought, key=lambda item: item.kind)
        ]
        parts.append(
            f"\n## {family.capitalize()}\n\n| kind | fields | what it is |\n|---|---|---|\n"
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


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").split("\n")[0].replace("|", "\\|")


if __name__ == "__main__":
    Path(__file__).with_name("kinds.md").write_text(page(), encoding="utf-8")

"""`mlpk diff`: what differs between two files."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import attrs
import click

from mlpk.cli.json_text import json_text
from mlpk.cli.text import listed
from mlpk.errors import shown
from mlpk.file.comparison import ABSENT, ArrayDifference, Comparison, Difference, compared
from mlpk.file.source import Source

__all__ = ["command"]

PARTS = {
    "spec": "network",
    "nodes": "nodes",
    "state": "training",
    "meta": "meta",
    "file": "file",
}


@click.command("diff")
@click.argument("a", metavar="A.mlpk")
@click.argument("b", metavar="B.mlpk")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
@click.pass_context
def command(ctx: click.Context, a: str, b: str, as_json: bool) -> None:
    """Show what differs between two files: network, fields, arrays, training, texts.

    Needs no plugin. The exit status is 0 if they are the same, 1 if they differ.
    """
    with Source.open(a) as first, Source.open(b) as second:
        found = compared(first, second)
    if as_json:
        click.echo(json_text({"same": found.same, **_json(found)}, _json))
    else:
        click.echo("\n\n".join(_told(found)) if not found.same else "the files are the same")
    ctx.exit(0 if found.same else 1)


def _json(part: Any) -> dict[str, Any]:
    """Return what is there of a difference, in numbers that JSON has; inf and nan become text."""
    return {
        name: str(value) if isinstance(value, float) and not isfinite(value) else value
        for name, value in attrs.asdict(part, recurse=False).items()
        if value is not ABSENT
    }


def _told(found: Comparison) -> Iterator[str]:
    for part, name in PARTS.items():
        if differences := getattr(found, part):
            yield listed((name, "A", "B"), map(_row, differences))
    if found.arrays:
        head = ("array", "difference", "A", "B", "values", "largest")
        yield listed(head, map(_array_row, found.arrays), numbers=("values", "largest"))


def _row(difference: Difference) -> tuple[str, str, str]:
    return difference.where or "state", _cell(difference.a), _cell(difference.b)


def _cell(value: Any) -> str:
    """Return a value as its file has it, short enough for a table."""
    if value is ABSENT:
        return "-"
    return value if isinstance(value, str) else _short(value)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return value["id"] if isinstance(value.get("id"), str) else "{" + ", ".join(value) + "}"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return shown(value).rpartition(" (")[0] or shown(value)


def _array_row(each: ArrayDifference) -> tuple[str, ...]:
    count = "" if each.count is None else f"{each.count:,}"
    largest = "" if each.largest is None else f"{each.largest:.6g}"
    return each.array, each.what, each.a or "-", each.b or "-", count, largest

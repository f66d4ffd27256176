"""`mlpk plugins`: what is installed, what is broken, what is kept out."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import attrs
import click

from mlpk import catalog
from mlpk.catalog import Brought, Record
from mlpk.cli.check_error import CheckError
from mlpk.cli.text import clean
from mlpk.discovery import survey
from mlpk.record import IMPLEMENTATIONS
from mlpk.staging import FAMILIES
from mlpk.table import table

__all__ = ["command"]

HEAD = ("plugin", "version", "state", "kinds", "seconds", "remark")
LEAST = 40  # columns that a remark gets however narrow the terminal is


@click.command("plugins")
@click.option("--check", is_flag=True, help="Exit with 1 if a plugin failed or is in conflict.")
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
def command(check: bool, as_json: bool) -> None:
    """List the plugins and what they bring.

    The environment decides which third-party plugins are active: MLPK_PLUGINS lists those to
    use, MLPK_PLUGINS_BLOCK those to leave out.
    """
    # What is broken stands in the table, so that nothing warns of it and nothing raises.
    records = catalog.current(survey).records
    if as_json:
        click.echo(json.dumps([_plain(record) for record in records], indent=2))
    else:
        parts = [_table(records), *_implementations(), _families(), *_troubles(records)]
        click.echo("\n\n".join(parts))
    broken = dict.fromkeys(record.dist for record in records if record.broken)
    if check and broken:
        raise CheckError(f"these plugins are broken: {', '.join(broken)}")


def _table(records: tuple[Record, ...]) -> str:
    rows = [
        (
            r.dist,
            r.version,
            r.state,
            str(len(r.kinds)),
            f"{r.seconds:.3f}",
            clean(r.reason or r.note),
        )
        for r in records
    ]
    if not sys.stdout.isatty():  # nobody's window is too narrow
        return table(HEAD, rows, numbers=("kinds", "seconds"))
    taken = table(HEAD[:-1], [row[:-1] for row in rows], numbers=("kinds", "seconds"))
    room = max(LEAST, shutil.get_terminal_size().columns - len(taken.partition("\n")[0]) - 2)
    fitting = [(*row[:-1], textwrap.shorten(row[-1], room, placeholder=" ...")) for row in rows]
    return table(HEAD, fitting, numbers=("kinds", "seconds"))


def _implemented() -> Iterator[tuple[Brought, str]]:
    """Yield each implementation, and whether it is in force."""
    active = catalog.current()
    for item in active.brought:
        if item.family == IMPLEMENTATIONS:
            state = "in force" if active.choice.in_force(item) else "not in force"
            yield item, f"{state}: {active.choice.remark(item)}".removesuffix(": ")


def _implementations() -> Iterator[str]:
    rows = [(item.kind, item.dist, clean(state)) for item, state in _implemented()]
    if rows:
        yield table(("implemented", "by", "state"), sorted(rows))


def _plain(record: Record) -> dict[str, Any]:
    mine = {item.kind: state for item, state in _implemented() if item.dist == record.dist}
    return {**attrs.asdict(record), "implements": mine}


def _troubles(records: tuple[Record, ...]) -> Iterator[str]:
    """Yield what does not fit into the table: tracebacks, and remarks at their full length."""
    for record in records:
        text = record.error or record.note
        if text:
            lines = "\n".join(clean(line) for line in text.rstrip().split("\n"))
            yield f"{record.dist}, {record.state}:\n{textwrap.indent(lines, '    ')}"


def _families() -> str:
    """Return the names of everything that plugins bring, family by family."""
    width = shutil.get_terminal_size().columns
    lines = []
    for family in FAMILIES:
        start = f"{family:14}"
        names = ", ".join(catalog.current().names(family)) or "none"
        lines += textwrap.wrap(
            names, width, initial_indent=start, subsequent_indent=" " * len(start)
        )
    return "\n".join(lines)

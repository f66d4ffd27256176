"""`mlpk plugins`: what is installed, what is broken, what is kept out."""

from __future__ import annotations

import json
import shutil
import textwrap
import warnings

import attrs
import click

import mlpk
from mlpk.catalog import Record
from mlpk.cli.check_error import CheckError
from mlpk.plugins import PluginWarning
from mlpk.staging import FAMILIES
from mlpk.table import table

__all__ = ["command"]

HEAD = ("plugin", "version", "state", "kinds", "seconds")


@click.command("plugins")
@click.option("--check", is_flag=True, help="Exit with 1 if a plugin failed or is in conflict.")
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
def command(check: bool, as_json: bool) -> None:
    """List the plugins and what they bring.

    The environment decides which third-party plugins are active: MLPK_PLUGINS lists those to
    use, MLPK_PLUGINS_BLOCK those to leave out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # the table tells the same
        records = mlpk.plugins.records()
    if as_json:
        click.echo(json.dumps([attrs.asdict(record) for record in records], indent=2))
    else:
        click.echo(_listing(records))
    broken = [record.dist for record in records if record.state in ("failed", "conflict")]
    if check and broken:
        raise CheckError(f"these plugins are broken: {', '.join(broken)}")


def _listing(records: tuple[Record, ...]) -> str:
    rows = [(r.dist, r.version, r.state, str(len(r.kinds)), f"{r.seconds:.3f}") for r in records]
    parts = [table(HEAD, rows, numbers=("kinds", "seconds")), _families()]
    parts += [
        f"{record.dist}, {record.state}:\n{textwrap.indent(record.error.rstrip(), '    ')}"
        for record in records
        if record.error is not None
    ]
    return "\n\n".join(parts)


def _families() -> str:
    """Return the names of everything that a configuration may name, family by family."""
    width = shutil.get_terminal_size().columns
    lines = []
    for family in FAMILIES:
        start = f"{family:14}"
        names = ", ".join(getattr(mlpk, family)) or "none"
        lines += textwrap.wrap(
            names, width, initial_indent=start, subsequent_indent=" " * len(start)
        )
    return "\n".join(lines)

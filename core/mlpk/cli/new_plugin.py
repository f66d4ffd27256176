"""`mlpk new-plugin`: a complete project of a plugin, to start from."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from mlpk.cli.text import clean
from mlpk.project import Naming, write
from mlpk.project.naming import FAMILIES

__all__ = ["command"]


@click.command("new-plugin")
@click.argument("name", metavar="NAME")
@click.option(
    "--family",
    type=click.Choice(tuple(FAMILIES)),
    default="layers",
    show_default=True,
    help="What it brings first.",
)
@click.option("--kind", default="", metavar="KIND", help="Its registered name, if not NAME's.")
@click.option(
    "--path",
    type=click.Path(path_type=Path),
    default=".",
    show_default="here",
    metavar="FOLDER",
    help="Where to put the project's folder.",
)
def command(name: str, family: str, kind: str, path: Path) -> None:
    """Write a complete plugin project: package, entry point, tests, README, licence, CI.

    NAME is the distribution's, such as mlpk-swish: its package is mlpk_swish, its kind swish. The
    project installs and passes its tests as it stands; what it computes is yours to replace.
    """
    naming = Naming.of(name, family, kind)
    folder = write(naming, path)
    click.echo(
        clean(f"{folder}: the plugin {naming.name} with the {naming.one} '{naming.kind}'.")
        + f"\nIts formula stands in {naming.package}/{naming.kind}.py. Next:\n"
    )
    click.echo(
        f"    cd {shlex.quote(str(folder))}\n"
        '    python -m pip install -e ".[test]" && python -m pytest\n'
        f"    mlpk check {naming.name}"
    )

"""`mlpk verify`: whether every byte of a file is what was written."""

from __future__ import annotations

import click

from mlpk.cli.check_error import CheckError
from mlpk.cli.text import clean
from mlpk.errors import FileFormatError
from mlpk.file import reader
from mlpk.file.source import Source

__all__ = ["command"]


@click.command("verify")
@click.argument("model", metavar="MODEL.mlpk")
def command(model: str) -> None:
    """Check every byte of a file; the exit status is 0 or 1.

    Needs no plugin. It shows that the file is whole, not who made it.
    """
    with Source.open(model) as source:
        try:
            reader.read_arrays(source, reader.read_header(source))
            digest = reader.digest(source)
        except FileFormatError as error:
            raise CheckError(str(error)) from error
    click.echo(f"{clean(model)}: ok, {digest}")

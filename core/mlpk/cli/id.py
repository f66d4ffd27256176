"""`mlpk id`: what identifies a file."""

from __future__ import annotations

import click

from mlpk.file import reader
from mlpk.file.source import Source

__all__ = ["command"]


@click.command("id")
@click.argument("model", metavar="MODEL.mlpk")
def command(model: str) -> None:
    """Print the digest of a file, as the file states it; `mlpk verify` compares it with the bytes.

    mlpk.load(path, expect="sha256:...") accepts no other file.
    """
    with Source.open(model) as source:
        click.echo(reader.digest(source))

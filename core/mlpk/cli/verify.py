"""`mlpk verify`: whether every byte of a file is what was written."""

from __future__ import annotations

import click

from mlpk.cli.check_error import CheckError
from mlpk.cli.text import clean
from mlpk.errors import FileAccessError, FileFormatError
from mlpk.file import reader
from mlpk.file.source import Source
from mlpk.file.verification import verify

__all__ = ["command"]


@click.command("verify")
@click.argument("models", metavar="MODEL.mlpk...", nargs=-1, required=True)
def command(models: tuple[str, ...]) -> None:
    """Check every byte of one or more files; the exit status is 0 or 1.

    Needs no plugin. It shows that a file is whole, not who made it.
    """
    failures: list[FileAccessError | FileFormatError] = []
    for model in models:
        try:
            click.echo(f"{clean(model)}: ok, {_verified(model)}")
        except (FileAccessError, FileFormatError) as error:
            failures.append(error)
    if not failures:
        return
    last = next((each for each in failures if isinstance(each, FileAccessError)), failures[-1])
    for each in failures:
        if each is not last:
            click.echo(f"Error: {each}", err=True)
    if isinstance(last, FileFormatError):
        raise CheckError(str(last)) from last
    raise last


def _verified(model: str) -> str:
    with Source.open(model) as source:
        verify(source, reader.read_header(source))
        return reader.digest(source)

"""The command line: one module a command, imported once it is named; then the plugins' commands."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from importlib import import_module
from typing import Any

import click

from mlpk.cli import plugin_commands
from mlpk.cli.check_error import CheckError
from mlpk.errors import MlpkError, nearest
from mlpk.version import __version__

__all__ = ["COMMANDS", "main"]

COMMANDS = (
    "demo", "train", "evaluate", "predict", "inspect", "verify", "doctor", "diff", "id", "plugins",
    "check", "new-plugin",
)  # fmt: skip
TRACEBACK = "mlpk.traceback"
INTERRUPTED = 130  # 128 and the number of the signal, as shells have it


class Commands(click.Group):
    """The commands by name. What they raise on purpose ends in a sentence, not in a traceback.

    Plugins are asked for names that are not ours, and for a list of all.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        try:
            with _warnings_told():
                return [*COMMANDS, *plugin_commands.names(COMMANDS)]
        except MlpkError as error:  # of the environment, or what it makes of a broken plugin
            _show_warning(str(error))
            return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found: click.Command | None
        if cmd_name in COMMANDS:
            found = import_module(f"mlpk.cli.{cmd_name.replace('-', '_')}").command
        else:
            found = plugin_commands.found(cmd_name)
        if found is None or any("--traceback" in option.opts for option in found.params):
            return found
        command = copy(found)
        command.params = [*found.params, traceback_option]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            known = self.list_commands(ctx)
            raise click.UsageError(error.message + nearest(args[0], known), ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _warnings_told():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # whoever read the output has seen enough; click ends in silence
            raise
        except (MlpkError, OSError, MemoryError) as error:
            if ctx.meta.get(TRACEBACK):
                click.echo(traceback.format_exc(), err=True, nl=False)
            outcome = click.ClickException if isinstance(error, CheckError) else click.UsageError
            raise outcome(_sentence(error)) from error


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[TRACEBACK] = True


traceback_option = click.Option(
    ["--traceback"],
    is_flag=True,
    expose_value=False,
    callback=_remember,
    help="Show the traceback of an error.",
)


def _sentence(error: BaseException) -> str:
    if isinstance(error, MlpkError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}"
    if isinstance(error, MemoryError):
        return (
            f"there is not enough memory: {error}" if str(error) else "there is not enough memory"
        )
    return str(error)


@contextmanager
def _warnings_told() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        yield


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"Warning: {message}", err=True)


@click.group(
    cls=Commands,
    params=[traceback_option],
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Results go to standard output, progress and messages to standard error. The exit "
    "status is 0, 1 for a failed check, 2 for wrong use.",
)
@click.version_option(__version__, prog_name="mlpk")
def main() -> None:
    """Train, extend and ship neural networks with NumPy alone."""

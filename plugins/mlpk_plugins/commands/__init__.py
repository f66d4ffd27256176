"""The commands that come with mlpk as a plugin's."""

from click import Command

from mlpk import hookimpl
from mlpk_plugins.commands import gradcheck


@hookimpl
def mlpk_commands() -> list[Command]:
    """Return the commands."""
    return [gradcheck.command]

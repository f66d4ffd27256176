"""Commands that plugins bring: their names, their errors, and what is broken beside them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import click
import pytest

import mlpk
from mlpk import catalog, hookimpl
from mlpk.catalog import Brought
from mlpk.cli import COMMANDS, plugin_commands

pytestmark = pytest.mark.usefixtures("own_catalog")

PLUGIN = """
import click, mlpk

@click.command("greet")
def greet():
    "Say good day."
    click.echo("good day")

@mlpk.hookimpl
def mlpk_commands():
    return [greet]
"""


def saying(name: str, text: str = "good day", **options: Any) -> click.Command:
    """Return a command that says something."""
    return click.command(name, help=f"Say {text}.", **options)(lambda: click.echo(text))


def raising(error: BaseException, name: str = "greet") -> click.Command:
    """Return a command that fails."""

    @click.command(name)
    def command() -> None:
        raise error

    return command


def add(*commands: click.Command) -> None:
    """Add what a plugin's module would bring."""

    @hookimpl
    def mlpk_commands() -> list[click.Command]:
        return list(commands)

    mlpk.plugins.add(SimpleNamespace(mlpk_commands=mlpk_commands))


def bring(**commands: click.Command) -> None:
    """Put commands of third parties into the catalog, by distribution."""
    held = catalog.current()
    brought = [Brought("commands", str(each.name), dist, each) for dist, each in commands.items()]
    catalog.swap(lambda _: catalog.Catalog([*held.brought, *brought], held.records))


def listed(run: Any) -> list[str]:
    """Return the names that the help shows."""
    text = run("--help").stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    return [line.split()[0] for line in text.splitlines()]


def test_a_command_that_was_added_is_one_of_mlpk(run) -> None:
    add(saying("greet"))
    result = run("greet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "good day\n", "")
    assert run("_local:greet").stdout == "good day\n"
    text = run("greet", "--help").stdout
    assert "Usage: main greet" in text
    assert "Say good day." in text
    assert "--traceback" in text


def test_help_lists_those_of_plugins_last(run) -> None:
    assert listed(run) == [*COMMANDS, "gradcheck"]
    add(saying("greet"), saying("zap"))
    assert listed(run) == [*COMMANDS, "gradcheck", "greet", "zap"]


def test_the_list_of_plugins_shows_what_they_bring(run) -> None:
    add(saying("greet"))
    assert "\ncommands      gradcheck, greet\n" in run("plugins").stdout


def test_no_first_party_command_has_the_name_of_one_of_core() -> None:
    assert "gradcheck" in plugin_commands.names(())
    assert not set(plugin_commands.names(())) & {*COMMANDS}


def test_a_plugin_may_bring_a_group(run) -> None:
    group = click.Group(
        "talk", commands=[saying("low", "psst"), raising(OSError("no voice"), "high")]
    )
    add(group)
    assert run("talk", "low").stdout == "psst\n"
    result = run("talk", "high")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "Error: no voice")


def test_ours_keep_their_names(run, trained) -> None:
    bring(acme=saying("id", "stolen"), beta=saying("gradcheck", "stolen too"))
    assert run("id", trained).stdout.startswith("sha256:")
    assert "Say stolen" not in run("gradcheck", "--help").stdout
    assert run("acme:id").stdout == "stolen\n"
    assert run("beta:gradcheck").stdout == "stolen too\n"
    assert listed(run) == [*COMMANDS, "acme:id", "beta:gradcheck", "gradcheck"]


def test_a_name_of_two_plugins_is_an_error_that_names_both(run) -> None:
    bring(acme=saying("greet", "hello"), beta=saying("greet", "hullo"))
    result = run("greet")
    assert result.exit_code == 2
    assert "'greet' is offered by several plugins: 'acme:greet' and 'beta:greet'" in result.stderr
    assert (run("acme:greet").stdout, run("beta:greet").stdout) == ("hello\n", "hullo\n")
    assert listed(run)[-3:] == ["acme:greet", "beta:greet", "gradcheck"]


def test_a_misspelt_name_is_told_the_nearest_of_all(run) -> None:
    add(saying("greet"))
    result = run("great")
    assert result.exit_code == 2
    assert "No such command 'great'. Did you mean 'greet'?" in result.stderr
    result = run("acme:greet")
    assert result.exit_code == 2
    assert "there is no 'acme:greet' among the commands" in result.stderr


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (mlpk.ShapeError("wanted three", "row 2"), 2, "Error: row 2: wanted three"),
        (PermissionError(13, "Permission denied", "a.npy"), 2, "Error: a.npy: Permission denied"),
        (MemoryError(), 2, "Error: there is not enough memory"),
        (click.ClickException("two of three are wrong"), 1, "Error: two of three are wrong"),
        (click.UsageError("wanted one"), 2, "Error: wanted one"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
)
def test_what_a_command_raises_is_told_like_that_of_ours(
    run, raised: BaseException, status: int, said: str
) -> None:
    add(raising(raised))
    result = run("greet")
    assert result.exit_code == status
    assert result.stderr.splitlines()[-1] == said
    assert "Traceback" not in result.stderr


def test_traceback_shows_where_an_error_came_from(run) -> None:
    add(raising(mlpk.DataError("nothing there")))
    for arguments in (["greet", "--traceback"], ["--traceback", "greet"]):
        result = run(*arguments)
        assert result.stderr.startswith("Traceback (most recent call last):")
        assert result.stderr.splitlines()[-1] == "Error: nothing there"


def test_an_accident_keeps_its_traceback(run) -> None:
    add(raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        run("greet")


def test_the_plugin_s_own_command_stays_as_it_was(run) -> None:
    own = click.Option(["--traceback"], help="Mine.", is_flag=True, expose_value=False)
    plain, special = saying("greet"), saying("trace", params=[own])
    add(plain, special)
    assert run("greet", "--traceback").exit_code == 0
    assert plain.params == []
    assert run("trace", "--help").stdout.count("--traceback") == 1


@pytest.fixture
def command_line(install, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs `mlpk` where acme brings a command, and zeta is broken."""
    install("acme", acme_commands=PLUGIN)
    install("zeta", zeta_commands="raise RuntimeError('no luck\\nat all')")

    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLPK_", "PYTHON"))}
        return subprocess.run(
            [sys.executable, "-m", "mlpk", *arguments],
            env={**kept, "PYTHONPATH": str(tmp_path / "site"), **variables},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return call


def test_a_broken_plugin_is_a_line_beside_the_help(command_line) -> None:
    done = command_line("--help")
    assert done.returncode == 0
    assert "greet" in done.stdout.partition("gradcheck")[2]
    (line,) = done.stderr.splitlines()
    assert line.startswith("Warning: the plugin zeta 1.0 failed to load and is left out: Runtime")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"MLPK_PLUGINS_STRICT": "1"}, "Warning: the plugin zeta 1.0 failed to load"),
        ({"MLPK_PLUGINS": "nobody"}, "Warning: MLPK_PLUGINS names 'nobody', but no plugin"),
    ],
)
def test_help_is_there_whatever_the_environment_says(command_line, variables, said) -> None:
    done = command_line("--help", **variables)
    assert done.returncode == 0
    assert "  new-plugin" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(said)


def test_a_command_runs_beside_a_broken_plugin(command_line) -> None:
    done = command_line("greet")
    assert (done.returncode, done.stdout) == (0, "good day\n")
    assert done.stderr.startswith("Warning: the plugin zeta 1.0 failed")
    done = command_line("greet", MLPK_PLUGINS="acme")
    assert (done.returncode, done.stdout, done.stderr) == (0, "good day\n", "")
    done = command_line("zeta:greet", MLPK_PLUGINS_BLOCK="zeta")
    assert done.returncode == 2
    assert "'zeta:greet' is asked for, but the plugin zeta 1.0 is blocked" in done.stderr


def test_a_command_of_ours_asks_no_plugin(command_line) -> None:
    done = command_line("id", "--help")
    assert (done.returncode, done.stderr) == (0, "")

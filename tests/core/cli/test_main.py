"""The command line as a whole: help, lazy loading, errors and exit statuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mlpk.cli import COMMANDS, main
from mlpk.cli import id as id_command


def python(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload] # handed through


def test_help_names_every_command(run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    listed = result.stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines()[1 : len(COMMANDS) + 1]] == [*COMMANDS]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert "--traceback" in result.stdout


@pytest.mark.parametrize("arguments", [
        ["train", "--help"], ["inspect", "MODEL"], ["verify", "MODEL"], ["id", "MODEL"],
        ["diff", "MODEL", "MODEL"],
    ])  # fmt: skip
def test_what_needs_no_plugin_imports_none(arguments: list[str], trained: Path) -> None:
    given = [str(trained) if each == "MODEL" else each for each in arguments]
    script = (
        "import sys\n"
        "from mlpk.cli import main\n"
        f"try: main({given!r})\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print([name for name in sys.modules if name.startswith(('mlpk_plugins', 'rich'))])"
    )
    done = python("-c", script)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_naming_a_command_imports_no_other() -> None:
    script = (
        "import sys\n"
        "from mlpk.cli import main\n"
        "try: main(['id', '--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {COMMANDS!r} if 'mlpk.cli.' + name in sys.modules])"
    )
    assert python("-c", script).stdout.splitlines()[-1] == "['id']"


def test_python_m_mlpk_is_the_same_command_line(trained: Path) -> None:
    done = python("-m", "mlpk", "verify", str(trained))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{trained}: ok, sha256:")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian"], "No such command 'trian'"),
        (["train"], "Missing argument"),
        (["train", "run.toml"], "Missing option '-o'"),
        (["inspect", "a", "b"], "unexpected extra argument"),
        (["train", "no-such.toml", "-o", "out.mlpk"], "no-such.toml: the configuration cannot"),
        (["inspect", "no-such.mlpk"], "no-such.mlpk: cannot be opened"),
        (["inspect", "."], ".: wanted a regular file, found a folder"),
    ],
)
def test_wrong_use_is_a_sentence_and_exits_with_2(
    arguments: list[str], words: str, tmp_path
) -> None:
    done = python("-m", "mlpk", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Error: " in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["--traceback", "id", "no-such.mlpk"], ["id", "no-such.mlpk", "--traceback"]]
)
def test_traceback_shows_it_before_the_sentence(run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Traceback (most recent call last):")
    assert result.stderr.splitlines()[-1].startswith("Error: no-such.mlpk: cannot be opened")


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (MemoryError(), 2, "Error: there is not enough memory\n"),
        (MemoryError("9 TiB"), 2, "Error: there is not enough memory: 9 TiB\n"),
        (PermissionError(13, "Permission denied", "a.npy"), 2, "Error: a.npy: Permission denied\n"),
        (OSError("the disk is gone"), 2, "Error: the disk is gone\n"),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
    ],
)
def test_what_the_system_does_is_told_plainly(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, status: int, said: str
) -> None:
    @click.command("id")
    def failing() -> None:
        raise raised

    monkeypatch.setattr(id_command, "command", failing)
    result = CliRunner().invoke(main, ["id"])
    assert result.exit_code == status
    assert result.stderr == said
    assert result.stdout == ""


def test_a_mistake_of_the_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command("id")
    def failing() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(id_command, "command", failing)
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(main, ["id"], catch_exceptions=False)


def test_warnings_are_sentences_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('no luck')\n")
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mlpk]\nbroken = broken\n")
    script = "import sys; sys.path.insert(0, '.')\nfrom mlpk.cli import main; main(['demo', '--epochs', '1'])"
    done = python("-c", script, cwd=tmp_path)
    assert done.returncode == 0
    first = done.stderr.splitlines()[0]
    assert first.startswith("Warning: the plugin broken 1.0 failed to load")
    assert "RuntimeError: no luck" in first


def test_a_closed_pipe_ends_in_silence(trained: Path) -> None:
    script = (
        "import os, sys\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "from mlpk.cli import main\n"
        f"main(['inspect', {str(trained)!r}])"
    )
    assert python("-c", script).stderr == ""


def test_a_misspelt_command_is_told_the_nearest(run) -> None:
    result = run("trian")
    assert result.exit_code == 2
    assert "No such command 'trian'. Did you mean 'train'?" in result.stderr

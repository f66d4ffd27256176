"""mlpk plugins: what is installed, and what is wrong with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mlpk


def test_the_table_has_a_row_a_plugin(run) -> None:
    result = run("plugins", "--check")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["plugin", "version", "state", "kinds", "seconds", "remark"]
    assert lines[2].split()[:3] == ["mlpk", mlpk.__version__, "active"]


def test_every_name_that_a_configuration_may_use_is_listed(run) -> None:
    words = run("plugins").stdout.replace(",", "").split()
    for family in (mlpk.layers, mlpk.losses, mlpk.datasets, mlpk.callbacks):
        assert set(family) <= set(words)


def test_json_has_the_records(run) -> None:
    told = json.loads(run("plugins", "--json").stdout)
    record = next(each for each in told if each["dist"] == "mlpk")
    assert record["state"] == "active"
    assert "dense" in record["kinds"]
    fields = {"dist", "version", "state", "seconds", "kinds", "error", "reason", "note"}
    assert set(record) == {*fields, "implements"}
    assert record["implements"] == {}


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Return a folder with an installed plugin that cannot be imported."""
    (tmp_path / "luckless.py").write_text("raise RuntimeError('no luck')\n")
    info = tmp_path / "Luckless-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Luckless\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mlpk]\nluckless = luckless\n")
    return tmp_path


def call(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlpk", "plugins", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder), **variables},
    )


def test_a_broken_plugin_is_shown_with_its_traceback(broken: Path) -> None:
    done = call(broken)
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("luckless  ")]
    assert row.split()[:4] == ["luckless", "1.0", "failed", "0"]
    assert row.endswith("  RuntimeError: no luck (luckless.py, line 1)")
    assert done.stdout.rstrip().endswith("RuntimeError: no luck")


def test_check_fails_where_a_plugin_did(broken: Path) -> None:
    for arguments in (["--check"], ["--check", "--json"]):
        done = call(broken, *arguments)
        assert done.returncode == 1
        assert done.stderr == "Error: these plugins are broken: luckless\n"
        assert "luckless" in done.stdout


def test_a_broken_plugin_is_shown_also_where_it_is_an_error(broken: Path) -> None:
    done = call(broken, "--check", MLPK_PLUGINS_STRICT="1")
    assert done.returncode == 1
    assert "RuntimeError: no luck" in done.stdout
    assert done.stderr == "Error: these plugins are broken: luckless\n"


def test_what_a_plugin_says_does_not_steer_the_terminal(broken: Path) -> None:
    (broken / "luckless.py").write_text("raise RuntimeError('no' + chr(27) + '[2J luck')\n")
    done = call(broken)
    assert "\x1b" not in done.stdout
    assert done.stdout.count("RuntimeError: no\\x1b[2J luck") == 2


def test_a_blocked_plugin_is_no_failure(broken: Path) -> None:
    done = call(broken, "--check", MLPK_PLUGINS_BLOCK="luckless")
    assert (done.returncode, done.stderr) == (0, "")
    assert "kept out by MLPK_PLUGINS_BLOCK" in done.stdout


def test_a_name_that_is_not_installed_is_wrong_use(broken: Path) -> None:
    done = call(broken, MLPK_PLUGINS="lucklss")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: MLPK_PLUGINS names 'lucklss'")
    assert "Did you mean 'luckless'?" in done.stderr


def test_what_goes_into_a_pipe_is_not_cut(broken: Path) -> None:
    (broken / "luckless.py").write_text(f"raise RuntimeError('{'no luck ' * 40}at all')\n")
    (row,) = [
        line
        for line in call(broken, COLUMNS="80").stdout.splitlines()
        if line.startswith("luckless  ")
    ]
    assert row.endswith("no luck at all (luckless.py, line 1)")


def test_kinds_without_a_short_name_are_told_with_their_ids(broken: Path) -> None:
    (broken / "luckless.py").write_text(
        "import mlpk\n@mlpk.hookimpl\ndef mlpk_datasets():\n    return [xor]\n"
        "def xor():\n    return 1\n"
    )
    (record,) = [
        each for each in json.loads(call(broken, "--json").stdout) if each["dist"] == "luckless"
    ]
    assert record["state"] == "active"
    sentence = "xor: reached only as luckless:xor; the short name is mlpk's"
    assert record["note"] == sentence
    assert sentence in call(broken).stdout.splitlines()[3]


FASTER = """
import mlpk

def update(optimizer, param, grad, slots, step):
    optimizer.update(param, grad, slots, step)

@mlpk.hookimpl
def mlpk_implementations():
    return [mlpk.Implementation(kind, update=update) for kind in ("sgd", "gone:sgd")]
"""


def test_what_is_implemented_is_shown_and_whether_it_is_in_force(broken: Path) -> None:
    (broken / "luckless.py").write_text(FASTER)
    waiting = "not in force: 'gone:sgd' is not active"
    for choice, state in (("", "in force"), ("numpy", "not in force: 'numpy' is preferred")):
        done = call(broken, "--check", MLPK_IMPLEMENTATION=choice)
        assert (done.returncode, done.stderr) == (0, "")
        head, _, *rows = done.stdout[done.stdout.index("implemented") :].splitlines()[:4]
        assert head.split() == ["implemented", "by", "state"]
        assert [row.split(maxsplit=2) for row in rows] == [
            ["gone:sgd", "luckless", waiting],
            ["sgd", "luckless", state],
        ]
        told = json.loads(call(broken, "--json", MLPK_IMPLEMENTATION=choice).stdout)
        assert told[-1]["implements"] == {"sgd": state, "gone:sgd": waiting}


def test_a_choice_of_what_is_not_there_is_wrong_use(broken: Path) -> None:
    (broken / "luckless.py").write_text(FASTER)
    done = call(broken, MLPK_IMPLEMENTATION="lucklss")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: MLPK_IMPLEMENTATION names 'lucklss', but no plugin of")
    assert "Did you mean 'luckless'?" in done.stderr

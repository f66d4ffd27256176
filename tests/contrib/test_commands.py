"""Commands of installed plugins, on the command line."""

from __future__ import annotations

import json
from typing import Any

RUN = """
    import contextlib, io, json
    from mlpk.cli import main

    told = []
    for arguments in {arguments}:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(arguments, prog_name="mlpk")
            except SystemExit as end:
                told.append([end.code, out.getvalue(), err.getvalue()])
    print(json.dumps(told))
"""


def told(zoo: Any, *arguments: list[str], **variables: str) -> list[list[Any]]:
    """Return exit status, output and messages of each call, one after the other."""
    return json.loads(zoo.run(RUN.format(arguments=list(arguments)), **variables))


def test_an_installed_command_is_found_by_name_and_by_id(zoo: Any) -> None:
    calls = (
        ["sing", "low"],
        ["zoo-commands:sing", "high"],
        ["zoo-commands:verify"],
        ["sing", "none"],
    )
    low, high, verify, none = told(zoo, *calls, MLPK_PLUGINS="zoo-commands")
    assert (low, high) == ([0, "la low\n", ""], [0, "la high\n", ""])
    assert verify == [0, "all is well\n", ""]
    assert none[:2] == [2, ""]
    assert none[2].endswith("Error: wanted a song, found none\n")


def test_the_help_names_it_beside_all_that_is_broken(zoo: Any) -> None:
    ((status, out, err),) = told(zoo, ["--help"])
    assert status == 0
    names = [line.split()[0] for line in out.partition("Commands:\n")[2].splitlines() if line]
    ours = names.index("gradcheck")
    assert "verify" in names[:ours]
    assert names[ours + 1 : ours + 3] == ["sing", "zoo-commands:verify"]
    lines = err.splitlines()
    assert len(lines) == len(set(lines)) > 10
    assert all(line.startswith("Warning: the plugin ") for line in lines)
    assert any("zoo-command-name 1.0 failed to load" in line for line in lines)


def test_a_command_that_is_kept_out_is_none(zoo: Any) -> None:
    short, full = told(zoo, ["sing"], ["zoo-commands:sing"], MLPK_PLUGINS="")
    assert short[0] == full[0] == 2
    assert "No such command 'sing'" in short[2]
    assert "the plugin zoo-commands 1.0 is blocked: kept out by MLPK_PLUGINS" in full[2]

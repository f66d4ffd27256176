"""Who is let in, as the environment says, and what `mlpk plugins` shows of it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

import mlpk

STATES = """
    import json, mlpk
    print(json.dumps([(record.dist, record.state) for record in mlpk.plugins.records()]))
"""
ERROR = """
    import mlpk
    for _ in range(2):
        try:
            mlpk.layers.dense
        except mlpk.PluginError as error:
            print(error.dist, error)
"""


def states(zoo: Any, **variables: str) -> dict[str, str]:
    """Return the states of third parties that are not blocked."""
    found = json.loads(zoo.run(STATES, **variables))
    return {dist: state for dist, state in found if state != "blocked"}


@pytest.mark.parametrize(
    ("variables", "let_in"),
    [
        ({"MLPK_PLUGINS": ""}, set()),
        ({"MLPK_PLUGINS": "zoo-several"}, {"zoo-several"}),
        ({"MLPK_PLUGINS": "Zoo_Good.Gates, zoo-several"}, {"zoo-good-gates", "zoo-several"}),
        ({"MLPK_PLUGINS": "zoo-several zoo-dense,"}, {"zoo-several", "zoo-dense"}),
        (
            {"MLPK_PLUGINS": "zoo-several,zoo-twin", "MLPK_PLUGINS_BLOCK": "zoo_twin"},
            {"zoo-several"},
        ),
    ],
)
def test_the_list_is_what_is_let_in(zoo: Any, variables: dict[str, str], let_in: set[str]) -> None:
    assert states(zoo, **variables) == dict.fromkeys({"mlpk", *let_in}, "active")


def test_what_is_blocked_is_not_imported_and_says_so(zoo: Any) -> None:
    shown = zoo.run(
        """
        import sys, mlpk
        for name in ("zoo-good-gates:tern", "zoo-import-error:lark"):
            try:
                mlpk.layers[name]
            except mlpk.PluginError as error:
                print(error)
        print([name for name in sys.modules if name.startswith("zoo_")])
        """,
        MLPK_PLUGINS="zoo-several",
        MLPK_PLUGINS_BLOCK="zoo-several",
    )
    assert "the plugin zoo-good-gates 2.1 is blocked: kept out by MLPK_PLUGINS\n" in shown
    assert "the plugin zoo-import-error 1.0 is blocked: kept out by MLPK_PLUGINS\n" in shown
    assert shown.endswith("[]\n")


@pytest.mark.parametrize("variable", ["MLPK_PLUGINS", "MLPK_PLUGINS_BLOCK"])
def test_a_name_that_is_not_installed_is_an_error_each_time(zoo: Any, variable: str) -> None:
    shown = zoo.run(ERROR, **{variable: "zoo-several,zoo-sevral"})
    problem = (
        f"zoo-sevral {variable} names 'zoo-sevral', but no plugin of that name is installed. "
        "Did you mean 'zoo-several'?\n"
    )
    assert shown == 2 * problem


def test_the_mlpk_that_runs_is_mlpk_wherever_others_of_that_name_stand(zoo: Any) -> None:
    shown = zoo.run(
        """
        import mlpk
        for record in mlpk.plugins.records():
            if record.dist == "mlpk":
                print(record.version, record.state, len(record.kinds) > 50)
        print(mlpk.layers.dense.__module__)
        """,
        PYTHONPATH=os.pathsep.join(str(zoo.place(name)) for name in ("third", "second")),
        MLPK_PLUGINS="",
    )
    assert shown == (
        f"{mlpk.__version__} active True\n9.9 blocked False\nmlpk_plugins.layers.dense\n"
    )


def test_metadata_without_a_name_have_none_to_let_them_in_by(zoo: Any) -> None:
    shown = zoo.run(ERROR, MLPK_PLUGINS="(zoo_no_name-1.0.dist-info)")
    assert "names '(zoo-no-name-1-0-dist-info)', but no plugin of that name" in shown


def test_strict_makes_everything_that_is_broken_an_error_each_time(zoo: Any) -> None:
    chosen = {"MLPK_PLUGINS": "zoo-several,zoo-import-error,zoo-twin", "MLPK_PLUGINS_STRICT": "1"}
    lines = zoo.run(ERROR, **chosen).splitlines()
    assert len(lines) == 2
    for line in lines:
        assert "the plugin zoo-import-error 1.0 failed to load and is left out: Module" in line
        assert "the plugin zoo-twin 1.0 is in conflict and is left out: these names" in line


def test_strict_is_zero_or_one(zoo: Any) -> None:
    shown = zoo.run(ERROR, MLPK_PLUGINS="", MLPK_PLUGINS_STRICT="yes")
    assert "MLPK_PLUGINS_STRICT: wanted 0 or 1, found 'yes' (str)" in shown


def test_who_makes_warnings_errors_gets_one_each_time(zoo: Any) -> None:
    shown = zoo.run(
        """
        import warnings
        warnings.simplefilter("error")
        import mlpk
        for _ in range(2):
            try:
                mlpk.layers.dense
            except mlpk.plugins.PluginWarning as warning:
                print(warning)
        """,
        MLPK_PLUGINS="zoo-import-error",
    )
    assert shown.count("the plugin ") == 2


def command(zoo: Any, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [zoo.python, "-m", "mlpk", "plugins", *arguments],
        env={"COLUMNS": "120", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_shows_them_all(zoo: Any) -> None:
    done = command(zoo, "--check")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: these plugins are broken: mlpk, (zoo_no_metadata-1.0")
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line[:1] not in ("", " ")}
    assert rows["plugin"].split() == ["plugin", "version", "state", "kinds", "seconds", "remark"]
    assert rows["zoo-several"].split()[1:4] == ["1.0", "active", "2"]
    assert "failed" in rows["zoo-import-error"]
    assert "ModuleNotFoundError" in done.stdout
    assert "zoo-rival-one:swift" in done.stdout
    table = done.stdout.partition("\n\n")[0]
    assert "install it again, or delete what is left of it" in table  # no remark is cut


def test_the_command_is_content_where_all_is_well(zoo: Any) -> None:
    wanted = {"MLPK_PLUGINS": "zoo-several,zoo-release", "MLPK_PLUGINS_STRICT": "1"}
    done = command(zoo, "--json", **wanted)
    records = {(record["dist"], record["state"]): record for record in json.loads(done.stdout)}
    assert records["zoo-several", "active"]["kinds"] == ["zoo-several:gull", "zoo-several:plover"]
    assert "passed over: 2.0 in " in records["zoo-release", "active"]["note"]
    assert "passed over: 2.0 in " in " ".join(command(zoo, **wanted).stdout.split())

"""contrib/mlpk-swish: what `mlpk new-plugin mlpk-swish` writes, made into swish, and installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlpk.project import Naming
from mlpk.project.writing import files

# What the tutorial changes of what was written.
OWN = {"README.md", "LICENSE", "mlpk_swish/swish.py", "tests/test_swish.py"}


@pytest.fixture(scope="module")
def project(repository: Path) -> Path:
    return repository / "contrib" / "mlpk-swish"


@pytest.fixture(scope="module")
def installed(project: Path, tmp_path_factory: pytest.TempPathFactory, environment_made):
    """Return an environment in which its wheel is installed."""
    nest = environment_made(tmp_path_factory.mktemp("swish") / "nest")
    nest.pip(project)
    return nest


def test_it_is_what_new_plugin_writes(project: Path) -> None:
    written = dict(files(Naming.of("mlpk-swish", "layers")))
    assert written.keys() > OWN
    for path, text in written.items():
        found = (project / path).read_text("utf-8")
        assert (found == text) != (path in OWN), path
    tracked = {
        str(path.relative_to(project))
        for path in project.rglob("*")
        if path.is_file() and not {"__pycache__", ".pytest_cache", ".ruff_cache"} & {*path.parts}
    }
    assert tracked == written.keys()


def test_the_kit_finds_nothing(installed) -> None:
    told = json.loads(
        installed.run("from mlpk.cli import main; main(['check', 'mlpk-swish', '--json'])")
    )
    assert (told["dist"], told["version"], told["failed"]) == ("mlpk-swish", "0.1.0", 0)
    assert {case["number"] for case in told["cases"]} == {0, 1}


def test_the_python_of_its_readme_runs(installed, project: Path) -> None:
    text = (project / "README.md").read_text("utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    silent = code.replace("epochs=20", "epochs=20, progress=False")  # which standard error shows
    assert float(installed.run(silent)) >= 0.95


def test_the_report_in_the_tutorial_is_what_comes(installed, repository: Path) -> None:
    page = (repository / "docs" / "plugins" / "tutorial.md").read_text("utf-8")
    shown = page.partition("```text\n")[2].partition("```")[0]
    assert installed.run("from mlpk.cli import main; main(['check', 'mlpk-swish'])") == shown

"""What `mlpk new-plugin` writes installs, passes its tests and the kit, and is known by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlpk.cli import main
from mlpk.project.naming import FAMILIES


def call(nest, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python there, in a folder."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MLPK_")}
    return subprocess.run(
        [nest.python, *arguments],
        cwd=folder,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, environment_made):
    """Return an environment in which a project of each family is installed, just as written."""
    nest = environment_made(tmp_path_factory.mktemp("workshop") / "nest")
    for family in FAMILIES:
        options = ["--family", family, "--path", str(nest.path)]
        result = CliRunner().invoke(main, ["new-plugin", f"mlpk-my-{family}", *options])
        assert result.exit_code == 0, result.output
    editable, *others = (nest.path / f"mlpk-my-{family}" for family in FAMILIES)
    nest.pip(*others)
    nest.pip("-e", editable)
    return nest


@pytest.mark.parametrize("family", FAMILIES)
def test_its_tests_pass_untouched(workshop, family: str) -> None:
    folder = workshop.path / f"mlpk-my-{family}"
    done = call(workshop, folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "failed" not in done.stdout


@pytest.mark.parametrize("family", FAMILIES)
def test_mlpk_check_passes_where_pytest_is_not_installed(workshop, family: str) -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        f"from mlpk.cli import main; main(['check', 'mlpk-my-{family}', '--json'])"
    )
    done = call(workshop, workshop.path, "-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["failed"] == told["known"] == 0
    assert told["passed"] >= 2
    kinds = {case["kind"] for case in told["cases"]}
    assert kinds == {f"mlpk-my-{family}:my_{family}"}


def test_they_are_active_side_by_side(workshop) -> None:
    done = call(workshop, workshop.path, "-m", "mlpk", "plugins", "--check", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    records = {record["dist"]: record for record in json.loads(done.stdout)}
    for family in FAMILIES:
        assert records[f"mlpk-my-{family}"]["state"] == "active"
        assert records[f"mlpk-my-{family}"]["version"] == "0.1.0"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_python_of_its_readme_runs(workshop, family: str) -> None:
    text = (workshop.path / f"mlpk-my-{family}" / "README.md").read_text("utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    assert f"my_{family}" in code
    done = call(workshop, workshop.path, "-W", "error", "-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_wheel_holds_the_package_alone(workshop) -> None:
    for family in [*FAMILIES][1:]:
        package = workshop.site / f"mlpk_my_{family}"
        found = {path.name for path in package.iterdir() if path.name != "__pycache__"}
        assert found == {"__init__.py", f"my_{family}.py", "py.typed"}
    assert not (workshop.site / "tests").exists()


def test_a_fault_in_it_is_found_by_its_own_tests(workshop) -> None:
    """The tests that come with a project can fail."""
    folder = workshop.path / "mlpk-my-layers"
    module = folder / "mlpk_my_layers" / "my_layers.py"
    right = module.read_text("utf-8")
    assert right.count('np.multiply(dy, arrays["scale"]') == 1
    module.write_text(right.replace('np.multiply(dy, arrays["scale"]', "np.multiply(dy, 1.0"))
    try:
        done = call(workshop, folder, "-m", "mlpk", "check", "mlpk-my-layers")
    finally:
        module.write_text(right)
    assert done.returncode == 1
    assert "gradient of the input x0 in training: off by" in done.stdout
    assert done.stderr.startswith("Error: ")
    assert done.stderr.endswith(" checks of mlpk-my-layers 0.1.0 failed\n")


def test_the_templates_are_in_the_wheel_that_the_backend_builds(
    repository: Path, tmp_path: Path
) -> None:
    plain = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *plain, "--wheel-dir", tmp_path, repository]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("mlpk-*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    templates = repository / "core" / "mlpk" / "project" / "templates"
    names = {f"mlpk/project/templates/{path.name}" for path in templates.iterdir()}
    assert len(names) > 20
    assert names <= packed

"""Each distribution under contrib/, built and installed as a third party's would be, and its tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlpk.version import __version__

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = sorted(path.parent.name for path in ROOT.glob("contrib/*/pyproject.toml"))
BUILD = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir", "--quiet"]


@pytest.fixture(scope="session")
def market(tmp_path_factory, environment_made):
    """An environment with mlpk and the wheels of all distributions, built by their own backends."""
    environment = environment_made(tmp_path_factory.mktemp("market"))
    wheels = environment.path / "built"
    for name in DISTRIBUTIONS:
        source = environment.path / "projects" / name
        shutil.copytree(ROOT / "contrib" / name, source, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        command = [sys.executable, "-m", "pip", "wheel", *BUILD, "--wheel-dir", wheels, source]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr
    environment.pip(*sorted(wheels.glob("*.whl")))
    return environment


def test_there_are_distributions():
    assert {"mlpk-attention", "mlpk-sklearn"} <= set(DISTRIBUTIONS)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_what_is_installed_passes_its_own_tests(name, market, tmp_path):
    """Its tests run beside no copy of its source, so that they find what was installed."""
    project = market.path / "projects" / name
    package = name.replace("-", "_")
    for path in project.iterdir():
        if path.name != package:
            (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
    kept = {key: text for key, text in os.environ.items() if not key.startswith(("MLPK_PL", "MLPK_IMPL", "PYT"))}
    command = [market.python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout
    assert int(passed[1]) > 10, done.stdout


def test_they_are_found_by_their_entry_points(market):
    told = market.run(
        """
        import json, mlpk
        records = mlpk.plugins.records()
        print(json.dumps({record.dist: [record.state, record.version] for record in records}))
        """
    )
    records = json.loads(told)
    assert records["mlpk"] == ["active", __version__]
    assert records["mlpk-attention"][0] == "active"
    assert {state for state, _ in records.values()} == {"active"}

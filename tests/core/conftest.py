"""Catalogs that tests may change, and distributions that exist for one test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from mlpk import catalog

Install = Callable[..., None]
Run = Callable[..., str]


@pytest.fixture
def own_catalog() -> Iterator[None]:
    """Put the catalog in force back when the test is over."""
    held = catalog.current()
    yield
    catalog.swap(lambda _: held)


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Return what lays a distribution down in a folder, as an installer would.

    `install(name, module=source, ...)`; its entry points go by the modules' names, unless `points`
    says otherwise.
    """

    def write(
        name: str, *, version: str = "1.0", points: Mapping[str, str] | None = None, **modules: str
    ) -> None:
        site = tmp_path / "site"
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        for module, source in modules.items():
            (site / f"{module}.py").write_text(dedent(source), "utf-8")
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8"
        )
        lines = (points or {module: module for module in modules}).items()
        text = "\n".join(["[mlpk]", *(f"{point} = {target}" for point, target in lines)])
        (info / "entry_points.txt").write_text(text, "utf-8")

    return write


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs code in a fresh interpreter that sees the installed distributions.

    `run(code, NAME=value, ...)` sets variables of the environment and returns the output, errors
    and warnings included.
    """

    def in_fresh_interpreter(code: str, **variables: str) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLPK_", "PYTHON"))}
        environment |= {"PYTHONPATH": str(tmp_path / "site"), **variables}
        done = subprocess.run(
            [sys.executable, "-c", dedent(code)],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return in_fresh_interpreter

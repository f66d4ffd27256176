"""The files of a project: complete, or not there."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from mlpk import FileAccessError
from mlpk.project import Naming, write
from mlpk.project.naming import FAMILIES
from mlpk.project.writing import files
from mlpk.version import __version__

NAMING = Naming.of("mlpk-swish", "layers")


def test_a_project_is_complete(tmp_path: Path) -> None:
    folder = write(NAMING, tmp_path)
    assert folder == tmp_path / "mlpk-swish"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        ".gitignore",
        ".github/workflows/test.yml",
        "mlpk_swish/__init__.py",
        "mlpk_swish/swish.py",
        "mlpk_swish/py.typed",
        "tests/test_conformance.py",
        "tests/test_swish.py",
    }
    for path, text in files(NAMING):
        assert (folder / path).read_bytes() == text.encode()


def test_its_description_is_that_of_a_plugin() -> None:
    project = tomllib.loads(dict(files(NAMING))["pyproject.toml"])
    assert project["project"]["name"] == "mlpk-swish"
    assert project["project"]["entry-points"] == {"mlpk": {"swish": "mlpk_swish"}}
    (needed, _) = project["project"]["dependencies"]
    assert __version__.startswith(needed.removeprefix("mlpk>="))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["mlpk_swish"]


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_of_a_template_is_left(family: str) -> None:
    naming = Naming.of("Acme.Gates", family, "third_gate")
    for path, text in files(naming):
        assert "$" not in text.replace("${{", ""), path
        assert not text or text.endswith("\n"), path
        assert max(map(len, text.splitlines()), default=0) <= 100, path
        if path.endswith(".py"):
            tree = ast.parse(text)
            assert ast.get_docstring(tree), path
    init = dict(files(naming))["acme_gates/__init__.py"]
    assert f"def mlpk_{family}() -> list[type[ThirdGate]]:" in init
    assert "from acme_gates.third_gate import ThirdGate" in init


def test_the_workflow_is_what_the_host_reads() -> None:
    workflow = dict(files(NAMING))[".github/workflows/test.yml"]
    assert "python-version: ${{ matrix.python }}" in workflow
    assert "mlpk check mlpk-swish" in workflow


@pytest.mark.parametrize("there", ["folder", "file", "link"])
def test_what_is_there_stays_as_it_is(tmp_path: Path, there: str) -> None:
    place = tmp_path / "mlpk-swish"
    if there == "folder":
        place.mkdir()
    elif there == "file":
        place.write_text("mine")
    else:
        place.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileAccessError, match="is there already") as caught:
        write(NAMING, tmp_path)
    assert caught.value.path == str(place)
    assert [path.name for path in tmp_path.rglob("*")] == ["mlpk-swish"]


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="cannot be written: No such file or directory"):
        write(NAMING, tmp_path / "nowhere")


def test_what_cannot_be_finished_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Path.write_text

    def full(path: Path, *arguments: object, **options: object) -> int:
        if re.fullmatch(r"test_.*\.py", path.name):
            raise OSError(28, "No space left on device")
        return written(path, *arguments, **options)  # type: ignore[arg-type] # handed through

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(FileAccessError, match="cannot be written: No space left") as caught:
        write(NAMING, tmp_path)
    assert caught.value.errno == 28
    assert list(tmp_path.iterdir()) == []

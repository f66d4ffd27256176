"""What stands where."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {"core", "plugins", "contrib", "schemas", "tests", "docs"}
# What building, packaging and the first command of the README leave behind, as .gitignore says.
LEFT_BEHIND = {"build", "dist", "digits.mlpk"}
FILES = {"LICENSE", "README.md", "SECURITY.md", "pyproject.toml"}
PACKAGES = ["schemas/mlpk_schemas", "core/mlpk", "plugins/mlpk_plugins"]
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_the_top_level_is_fixed() -> None:
    folders = {
        path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")
    }
    assert folders - LEFT_BEHIND - {"__pycache__"} == FOLDERS
    files = {path.name for path in ROOT.iterdir() if path.is_file() and path.name[0] != "."}
    assert files - LEFT_BEHIND == FILES


@pytest.mark.parametrize("package", PACKAGES)
def test_a_root_holds_one_import_package(package: str) -> None:
    """An editable install puts whole roots on the path."""
    root, name = package.split("/")
    inside = {path.name for path in (ROOT / root).iterdir() if path.name != "__pycache__"}
    assert inside == {name}
    assert (ROOT / package / "__init__.py").is_file()


def test_mlpk_says_that_it_is_typed() -> None:
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").is_file(), package


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring, "a module has a docstring"
    assert docstring.splitlines()[0].rstrip().endswith((".", ":")), "its first line is a sentence"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_drawer_for_everything(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "misc", "common", "base"}
    assert not path.stem.endswith(("_v2", "_new", "_old", "_utils"))


def test_tests_mirror_the_roots() -> None:
    """A test file of core and of schemas is called after the module that it is about."""
    for root, package in (("core", "mlpk"), ("schemas", "mlpk_schemas")):
        for path in (ROOT / "tests" / root).glob("test_*.py"):
            module = ROOT / root / package / path.name.removeprefix("test_")
            assert module.is_file(), path.relative_to(ROOT)


def test_test_folders_are_no_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))

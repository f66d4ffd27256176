"""Imports run one way, schemas <- core <- plugins, and `import mlpk` imports little."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"schemas": "mlpk_schemas", "core": "mlpk", "plugins": "mlpk_plugins"}
# What each root may import beside the standard library.
ALLOWED = {
    "schemas": {"mlpk_schemas", "attrs"},
    "core": {
        "mlpk_schemas", "mlpk", "attrs", "numpy", "pluggy", "msgpack", "click", "rich", "pytest"
    },
    "plugins": {"mlpk_schemas", "mlpk", "mlpk_plugins", "attrs", "numpy", "click", "rich", "pooch"},
}  # fmt: skip
MODULES = [
    pytest.param(root, path, id=str(path.relative_to(ROOT)))
    for root, package in PACKAGES.items()
    for path in sorted((ROOT / root / package).rglob("*.py"))
]


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the name of each module that is imported, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


@pytest.mark.parametrize(("root", "path"), MODULES)
def test_a_module_imports_only_what_its_root_may(root: str, path: Path) -> None:
    names = {name.partition(".")[0] for name in imported(ast.parse(path.read_text("utf-8")))}
    foreign = names - ALLOWED[root] - set(sys.stdlib_module_names)
    assert not foreign, f"{path.relative_to(ROOT)} imports {sorted(foreign)}"


def test_the_heavy_ones_stand_in_one_place_each() -> None:
    """The command line alone needs click, and the hook that adds to it; the kit pytest."""
    homes = {
        "click": {ROOT / "core/mlpk" / name for name in ("cli", "hookspecs.py", "staging.py")},
        "pytest": {ROOT / "core/mlpk/testing"},
    }
    for path in (ROOT / "core").rglob("*.py"):
        names = {name.partition(".")[0] for name in imported(ast.parse(path.read_text("utf-8")))}
        for name in names & homes.keys():
            assert homes[name] & {path, *path.parents}, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("root", ["schemas", "core"])
def test_nobody_below_names_the_plugins_package(root: str) -> None:
    """Neither in an import nor in a string that could become one."""
    for path in (ROOT / root).rglob("*.py"):
        assert "mlpk_plugins" not in path.read_text("utf-8"), path.relative_to(ROOT)


def test_no_module_of_the_project_is_imported_by_its_folder() -> None:
    """`import core.mlpk` would make a second copy of the package."""
    for folder in (*PACKAGES, "tests", "docs"):
        for path in (ROOT / folder).rglob("*.py"):
            for name in imported(ast.parse(path.read_text("utf-8"))):
                assert name.partition(".")[0] not in PACKAGES, f"{path.relative_to(ROOT)}: {name}"


def fresh(code: str) -> str:
    """Return what a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_mlpk_imports_no_plugin_and_nothing_heavy() -> None:
    found = fresh("import sys, mlpk; print(*sorted({m.split('.')[0] for m in sys.modules}))")
    names = set(found.split())
    assert {"mlpk", "mlpk_schemas", "numpy"} <= names
    unwanted = {"mlpk_plugins", "click", "rich", "pytest", "hypothesis", "matplotlib", "pooch"}
    assert not names & unwanted


@pytest.mark.parametrize(
    "module",
    ["importlib.metadata", "logging", "email", "secrets", "signal", "shutil", "difflib", "ctypes"],
)
def test_importing_mlpk_takes_no_time_for_what_few_need(module: str) -> None:
    """NumPy's own imports do not count."""
    found = fresh(
        f"import sys, numpy; before = {module!r} in sys.modules\n"
        f"import mlpk; print(before or {module!r} not in sys.modules)"
    )
    assert found.strip() == "True"


def test_importing_mlpk_looks_at_no_installed_distribution() -> None:
    found = fresh(
        "import importlib.metadata as metadata\n"
        "def scan(*_, **__):\n"
        "    raise AssertionError('scanned')\n"
        "held, metadata.entry_points = metadata.entry_points, scan\n"
        "metadata.distributions = metadata.distribution = metadata.version = scan\n"
        "import mlpk\n"
        "assert mlpk.__version__ and mlpk.plugins.add and mlpk.Model\n"
        "from mlpk import catalog\n"
        "print(catalog.in_force)\n"
        "try:\n"
        "    mlpk.layers.dense\n"
        "except AssertionError as error:\n"
        "    print(error)\n"
    )
    assert found.split() == ["None", "scanned"]


@pytest.mark.parametrize("name", ["mlpk_schemas", "mlpk_schemas.file", "mlpk_schemas.run"])
def test_the_schemas_need_neither_numpy_nor_core(name: str) -> None:
    found = fresh(f"import sys, {name}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))")
    assert not {"numpy", "mlpk", "pluggy", "msgpack"} & set(found.split())

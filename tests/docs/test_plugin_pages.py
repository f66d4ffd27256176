"""The pages on plugins say what the code does; each hook has a page, a test and a plugin."""

from __future__ import annotations

import ast
import inspect
import os
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlpk
from mlpk import catalog, hookspecs
from mlpk.project.naming import FAMILIES
from mlpk.record import Record

HOOKS = [name for name in vars(hookspecs) if name.startswith("mlpk_")]
SIGNATURE = re.compile(r"^### `(.+)`$", re.MULTILINE)
FILE = re.compile(r"`([^`\s]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "docs" / "plugins"


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def implementations(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the hooks that functions and methods below a folder implement, as they stand there."""
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("mlpk_"):
                marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}
                if "hookimpl" in marks:
                    yield node.name, path


def test_hooks_stand_on_their_page_with_their_exact_signatures(folder: Path) -> None:
    wanted = [
        name + str(inspect.signature(getattr(hookspecs, name))).replace("'", "") for name in HOOKS
    ]
    assert wanted[0] == "mlpk_layers() -> Iterable[type[Layer]]"
    assert SIGNATURE.findall(text(folder / "hooks.md")) == wanted


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_has_a_plugin_that_uses_it(repository: Path, hook: str) -> None:
    found = [
        path
        for root in ("plugins", "contrib")
        for name, path in implementations(repository / root)
        if name == hook and "tests" not in path.relative_to(repository).parts
    ]
    assert found, f"{hook} is a hook that no plugin needs"


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_has_a_test(repository: Path, hook: str) -> None:
    """One that implements it, or calls it as core does; this file only lists names."""
    word = re.compile(rf"\b{hook}\b")
    found = [
        path
        for path in (repository / "tests").rglob("test_*.py")
        if path != Path(__file__) and word.search(text(path))
    ]
    assert found, f"{hook} is in no test"


def test_every_page_is_in_the_list_of_pages(folder: Path) -> None:
    listed = set(re.findall(r"\]\((\w[\w-]*\.md)\)", text(folder / "README.md")))
    assert listed == {page.name for page in folder.glob("*.md")} - {"README.md"}


def test_the_page_on_the_kit_lists_its_checks(folder: Path) -> None:
    names = runpy.run_path(str(folder / "kit.py"))
    assert names["page"]() == text(folder / "kit.md"), "write it again: python docs/plugins/kit.py"
    assert "| `evaluation_writes_no_buffer` | A forward in" in text(folder / "kit.md")


def test_the_tutorial_shows_the_files_as_they_are(repository: Path, folder: Path) -> None:
    project = repository / "contrib" / "mlpk-swish"
    shown = dict(FILE.findall(text(folder / "tutorial.md")))
    assert shown.keys() == {
        "pyproject.toml",
        "mlpk_swish/__init__.py",
        "mlpk_swish/swish.py",
        "tests/test_conformance.py",
        "tests/test_swish.py",
    }
    for path, code in shown.items():
        assert text(project / path) == code, path


def test_all_other_python_of_the_tutorial_is_that_of_the_readme(
    repository: Path, folder: Path
) -> None:
    project = repository / "contrib" / "mlpk-swish"
    page = text(folder / "tutorial.md")
    files = set(dict(FILE.findall(page)).values())
    others = [code for code in PYTHON.findall(page) if code not in files]
    assert others == PYTHON.findall(text(project / "README.md"))


def test_the_tutorial_lists_every_file(repository: Path, folder: Path) -> None:
    page = text(folder / "tutorial.md")
    listing = page[page.index("    mlpk-swish/\n") : page.index("## What makes it")]
    files = re.sub(r"mlpk-swish/\n", "", listing).split()
    project = repository / "contrib" / "mlpk-swish"
    for name in files:
        assert (project / name).is_file(), name
    assert len(files) == 10


def test_the_variables_on_the_page_are_those_that_are_read(repository: Path, folder: Path) -> None:
    read = set()
    for path in (repository / "core").rglob("*.py"):
        read |= set(re.findall(r'"(MLPK_PLUGINS\w*)"', text(path)))
    assert set(re.findall(r"^\| `(MLPK_\w+)`", text(folder / "policy.md"), re.MULTILINE)) == read


def test_the_states_on_the_page_are_those_of_records(folder: Path) -> None:
    told = re.findall(r"^\| `([a-z]+)` \|", text(folder / "policy.md"), re.MULTILINE)
    annotation = inspect.signature(Record).parameters["state"].annotation
    assert told == re.findall(r"'(\w+)'", str(annotation).replace('"', "'"))


def test_the_bases_on_the_page_have_the_methods_beside_them(folder: Path) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", text(folder / "other-kinds.md"), re.MULTILINE)
    assert {name.lower() for name, _ in rows} == {*FAMILIES.values()} - {"layer", "callback"}
    for name, methods in rows:
        base = getattr(mlpk, name)
        for method, arguments in re.findall(r"`(\w+)\((.*?)\)`", methods):
            signature = inspect.signature(getattr(base, method))
            assert ", ".join(list(signature.parameters)[1:]) == arguments, f"{name}.{method}"
        told = set(re.findall(r"`(\w+)\(", methods))
        assert told == {m for m in base.__abstractmethods__ if not m.startswith("_")}


def test_links_within_pages_lead_to_a_heading(folder: Path) -> None:
    for page in folder.glob("*.md"):
        for target, anchor in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", text(page)):
            there = page if not target else page.parent / os.fspath(target)
            headings = re.findall(r"^#+ (.*)$", text(there), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
            assert anchor in anchors, f"{page.name}: {target}#{anchor}"


def test_the_catalog_is_the_one_that_was_discovered() -> None:
    """What the pages register is taken back."""
    assert not [item for item in catalog.current().brought if item.dist == catalog.LOCAL]

"""What the pages show runs as it stands there, and their links lead somewhere."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mlpk
from mlpk import catalog, plugins
from mlpk.cli.config import read_config
from mlpk.cli.network import network
from mlpk.testing import cases

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")


def pages(root: Path) -> list[Path]:
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return [code for name, code in BLOCK.findall(page.read_text()) if name == language]


@pytest.fixture
def kept_catalog() -> Iterator[None]:
    """Put the catalog back that was in force."""
    before = catalog.current()
    yield
    catalog.swap(lambda _: before)


@pytest.mark.usefixtures("kept_catalog")
@pytest.mark.parametrize(
    ("page", "brought"),
    [
        ("README.md", ["Swish"]),
        ("docs/training.md", []),
        ("docs/plugins/README.md", ["Negated"]),
        ("docs/plugins/layers.md", ["Scale"]),
        ("docs/plugins/other-kinds.md", ["Quartic", "LargestError", "SignSGD"]),
        ("docs/plugins/migrations.md", []),
        ("docs/plugins/hooks.md", []),
        ("docs/plugins/policy.md", []),
        ("docs/plugins/implementations.md", []),
    ],
    ids=lambda given: given.replace("/", "-") if isinstance(given, str) else "",
)
def test_python_on_the_page_runs(
    page: str,
    brought: list[str],
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in blocks(repository / page, "python"):
        if "conformance(" not in code:
            exec(compile(code, page, "exec"), names)  # noqa: S102 - the page's own code
    assert (tmp_path / "digits.mlpk").exists() == (page == "README.md")
    for name in brought:
        plugins.add(names[name])
    if brought:
        found = [case for case in cases("_local") if case.kind.startswith("_local:")]
        assert len({case.kind for case in found}) == len(brought)
        for case in found:
            case.run()


def test_the_accuracy_on_the_first_page_is_good(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(blocks(repository / "README.md", "python")[0], names)  # noqa: S102 - the page's own code
    assert names["history"].metrics["val_accuracy"][-1] >= 0.95  # type: ignore[attr-defined] # a History


def test_commands_on_the_first_page_run(repository: Path, tmp_path: Path) -> None:
    page = repository / "README.md"
    (config,) = [code for code in blocks(page, "toml") if "[fit]" in code]
    (tmp_path / "digits.toml").write_text(config)
    (commands,) = [code for code in blocks(page, "sh") if "mlpk train" in code]
    for line in commands.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "mlpk"
        done = subprocess.run(
            [sys.executable, "-m", "mlpk", *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stderr}"
        assert done.stdout or "train" in line


def test_ci_runs_the_two_commands_of_the_first_page(repository: Path) -> None:
    lines = (repository / "README.md").read_text().splitlines()
    commands = [line for line in lines if line.startswith("python -m pip install ")]
    assert commands == [
        "python -m pip install . && mlpk demo",
        'python -m pip install -e ".[test]" && python -m pytest',
    ]
    script = (repository / ".ci" / "run").read_text()
    assert "grep '^python -m pip install ' README.md" in script
    assert 'eval "${commands[0]}"' in script
    assert 'eval "${commands[1]}"' in script


def test_configurations_on_the_page_are_read(repository: Path, tmp_path: Path) -> None:
    page = repository / "docs" / "configuration.md"
    whole, data, graph = blocks(page, "toml")
    data_part, model_part = whole.index("[data]"), whole.index("[model]")
    fit_part = whole.index("[fit]")
    (tmp_path / "a.toml").write_text(whole)
    (tmp_path / "b.toml").write_text(whole[:data_part] + data + whole[model_part:])
    (tmp_path / "c.toml").write_text(whole[:model_part] + graph + whole[fit_part:])
    chain = read_config(str(tmp_path / "a.toml"), ["model.layers[1].units=30"])
    assert chain.model.layers[1]["units"] == 30  # type: ignore[union-attr, index] # a list of layers
    own = read_config(str(tmp_path / "b.toml"), [])
    assert own.data.weight == "weight.npy"  # type: ignore[union-attr] # arrays
    graph_config = read_config(str(tmp_path / "c.toml"), [])
    model = network(graph_config.model, seed=0)
    assert model.graph.outputs == ("digit",)
    assert model.params["digit/weight"].shape == (64 + 32, 10)


def test_links_lead_somewhere(repository: Path) -> None:
    for page in pages(repository):
        for target in LINK.findall(page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_list_of_kinds_is_that_of_the_catalog(repository: Path) -> None:
    names = runpy.run_path(str(repository / "docs" / "kinds.py"))
    text = (repository / "docs" / "kinds.md").read_text(encoding="utf-8")
    assert names["page"]() == text, "write it again: python docs/kinds.py"
    assert "| `dense` | `units`, `bias=True`, `init='glorot_uniform'` | y = x W + b" in text


def test_examples_in_the_list_of_kinds_make_what_they_stand_beside(repository: Path) -> None:
    text = (repository / "docs" / "kinds.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.* \| `mlpk\.(\w+)\.(.*)` \|$", text, re.MULTILINE)
    assert len(rows) == text.count("\n| `")
    for kind, family, code in rows:
        assert code.startswith(f"{kind}(")
        if family not in ("callbacks", "datasets"):
            assert made(ast.parse(f"mlpk.{family}.{code}", mode="eval").body).kind == kind


def made(code: ast.expr) -> Any:
    """Return what a literal, or a call such as `mlpk.layers.dense(units=2)`, stands for."""
    if not isinstance(code, ast.Call):
        return ast.literal_eval(code)
    _, family, kind = ast.unparse(code.func).split(".")
    return getattr(mlpk, family)[kind](**{each.arg: made(each.value) for each in code.keywords})

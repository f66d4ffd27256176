"""What the pages show runs as it stands there, and their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mlpk import catalog, hookspecs, plugins

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")


def pages(root: Path) -> list[Path]:
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return [code for name, code in BLOCK.findall(page.read_text()) if name == language]


@pytest.mark.parametrize(
    "page", ["README.md", "docs/training.md"], ids=lambda page: page.replace("/", "-")
)
def test_python_on_the_page_runs(
    page: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = catalog.current()
    names: dict[str, object] = {}
    for code in blocks(repository / page, "python"):
        if "conformance(" not in code:
            exec(compile(code, page, "exec"), names)  # noqa: S102 - the page's own code
    if page == "README.md":
        assert (tmp_path / "digits.mlpk").exists()
        swish = names["Swish"]
        plugins.add(swish)
        from mlpk.testing import cases

        for case in cases("_local"):
            case.run()
    catalog.swap(lambda _: before)


def test_the_accuracy_on_the_first_page_is_good(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(blocks(repository / "README.md", "python")[0], names)  # noqa: S102 - the page's own code
    assert names["history"].metrics["val_accuracy"][-1] >= 0.95  # type: ignore[attr-defined]


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


def test_links_lead_somewhere(repository: Path) -> None:
    for page in pages(repository):
        for target in LINK.findall(page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_hook_is_documented(repository: Path) -> None:
    text = (repository / "docs" / "plugins.md").read_text()
    hooks = [name for name in vars(hookspecs) if name.startswith("mlpk_")]
    assert len(hooks) == 13
    for hook in hooks:
        argument = "fit" if "fit" in hook or hook.endswith("_end") else ""
        assert f"`{hook}({argument})`" in text

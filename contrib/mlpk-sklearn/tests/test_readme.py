"""The README's code runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_every_block_runs_in_order(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)
    assert len(BLOCKS) >= 2
    assert names["accuracy"] >= 0.95
    assert (tmp_path / "digits.mlpk").exists()
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("name", ["NetClassifier", "NetRegressor"])
def test_both_are_told_of(name) -> None:
    assert name in README

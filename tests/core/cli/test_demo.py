"""mlpk demo: a model that reads digits, in the current folder."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import mlpk


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_model_reads_digits(run, seed: int) -> None:
    result = run("demo", "--seed", seed)
    assert result.exit_code == 0
    _, _, x, y = mlpk.datasets.digits()
    accuracy = np.mean(mlpk.load("digits.mlpk").predict(x).argmax(axis=1) == y)
    assert accuracy >= 0.96
    assert f"accuracy {accuracy:.4f}" in result.stdout
    assert "epoch 20/20" in result.stderr
    assert "epoch" not in result.stdout


def test_it_shows_digits_and_what_to_try(run) -> None:
    out = run("demo", "--epochs", 1, "-o", "small.mlpk").stdout
    assert "mlpk inspect small.mlpk" in out
    _, _, x, y = mlpk.datasets.digits()
    read = mlpk.load("small.mlpk").predict(x).argmax(axis=1)
    pairs = [(int(a), int(b)) for a, b in re.findall(r"read (\d), is (\d)", out)]
    right, wrong = np.flatnonzero(read == y)[:3], np.flatnonzero(read != y)[:1]
    assert pairs == [(read[row], y[row]) for row in (*right, *wrong)]
    dark = [line for line in out.splitlines() if "@@" in line]
    assert 0 < len(dark) <= 8


def test_it_replaces_its_own_file_and_no_other(run, here: Path) -> None:
    assert run("demo", "--epochs", 1).exit_code == 0
    assert run("demo", "--epochs", 1).exit_code == 0
    for content in (mlpk.dumps(mlpk.Model(["relu"], input_shape=(2,))), b"mine"):
        (here / "digits.mlpk").write_bytes(content)
        result = run("demo", "--epochs", 1)
        assert result.exit_code == 2
        assert "not from mlpk demo" in result.stderr
        assert (here / "digits.mlpk").read_bytes() == content

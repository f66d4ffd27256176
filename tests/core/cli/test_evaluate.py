"""mlpk evaluate: loss and metrics, as Model.evaluate finds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mlpk


def numbers(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


def test_it_uses_the_test_part(run, write, trained: Path) -> None:
    result = run("evaluate", trained, write())
    assert (result.exit_code, result.stderr) == (0, "")
    _, _, x, y = mlpk.datasets.digits()
    logits = mlpk.load(trained).predict(x).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = numbers(result.stdout)
    assert list(found) == ["loss", "accuracy"]
    assert found["loss"] == pytest.approx(-np.log(chances[np.arange(len(y)), y]).mean(), rel=1e-5)
    assert found["accuracy"] == pytest.approx(np.mean(chances.argmax(axis=1) == y), abs=1e-6)


def test_the_loss_includes_the_penalty(run, write, trained: Path) -> None:
    config = write()
    plain = numbers(run("evaluate", trained, config).stdout)
    changes = ["--set", 'fit.regularizer={kind="l2", l2=0.5}']
    found = numbers(run("evaluate", trained, config, *changes).stdout)
    weights = mlpk.load(trained).params
    squares = sum(float(np.sum(weights[f"{node}/weight"] ** 2)) for node in ("head", "dense"))
    assert found["loss"] == pytest.approx(plain["loss"] + 0.25 * squares, rel=1e-5)


def test_data_of_another_shape_are_refused(run, write, trained: Path) -> None:
    result = run("evaluate", trained, write(), "--set", "data.name=xor")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: x: wanted shape (rows, 8, 8, 1), found (300, 2)")

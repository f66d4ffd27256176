"""A configuration of the built-in digits, a model trained with it, and the command line at hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import mlpk
from mlpk.cli import main

Run = Callable[..., Result]
Write = Callable[..., Path]

CONFIG = """
seed = 3
[data]
name = "digits"
[model]
input_shape = [8, 8, 1]
layers = ["flatten", { kind = "dense", units = 16, name = "head" }, "relu", { kind = "dense", units = 10 }]
[fit]
loss = "softmax_cross_entropy"
optimizer = { kind = "adam", lr = 0.003 }
epochs = 2
batch_size = 64
metrics = ["accuracy"]
"""


@pytest.fixture(scope="session")
def run() -> Run:
    """Call the command line; what it does not expect to raise fails the test."""

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)

    return call


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the configuration, with pieces of its text replaced."""

    def made(*changes: tuple[str, str]) -> Path:
        text = CONFIG
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "run.toml"
        path.write_text(text)
        return path

    return made


@pytest.fixture(scope="session")
def trained_once(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    config = folder / "run.toml"
    config.write_text(CONFIG)
    result = run("train", config, "-o", folder / "model.mlpk")
    assert result.exit_code == 0, result.output
    return folder / "model.mlpk"


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """Return a copy of a model that was trained for two epochs."""
    return Path(shutil.copy(trained_once, tmp_path / "model.mlpk"))


@pytest.fixture(scope="session")
def assert_same() -> Callable[[Path, Path], None]:
    """Return what asserts that two files tell of the same run, array by array."""

    def compare(one: Path, other: Path) -> None:
        assert mlpk.inspect(one) == mlpk.inspect(other)
        mine, theirs = mlpk.load_arrays(one), mlpk.load_arrays(other)
        assert mine.keys() == theirs.keys()
        for name, array in mine.items():
            np.testing.assert_array_equal(array, theirs[name], err_msg=name)

    return compare

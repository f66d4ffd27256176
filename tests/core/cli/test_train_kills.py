"""mlpk train --resume after a kill: the file is what it would have been without."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import mlpk

CONFIG = """
seed = 3
[data]
name = "digits"
[model]
input_shape = [8, 8, 1]
layers = ["flatten", { kind = "dense", units = 16 }, "batch_norm", "relu", { kind = "dropout", rate = 0.3 }, { kind = "dense", units = 10 }]
[fit]
loss = "softmax_cross_entropy"
optimizer = { kind = "adam", lr = { kind = "cosine", lr = 0.003, steps = 100 } }
epochs = 12
batch_size = 64
accumulate = 3
metrics = ["accuracy"]
validation = true
callbacks = [
    { kind = "reduce_on_plateau", patience = 1 },
    { kind = "early_stopping", patience = 5, keep_best = false },
    { kind = "moving_average", decay = 0.9 },
    { kind = "checkpoint", path = "run.mlpk", every_steps = 4, keep = 3 },
]
"""


def train(folder: Path) -> subprocess.Popen[str]:
    (folder / "run.toml").write_text(CONFIG)
    command = [sys.executable, "-m", "mlpk", "train", "run.toml", "-o", "run.mlpk", "--resume"]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(folder: Path) -> str:
    with train(folder) as process:
        stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    return stdout


def kill(folder: Path, times: int) -> None:
    """Kill so many runs, each of which goes on from the one before; compare what came of it."""
    straight, killed = folder / "straight", folder / "killed"
    straight.mkdir()
    killed.mkdir()
    started = time.perf_counter()
    results = finish(straight)
    seconds = time.perf_counter() - started
    moments, count = np.random.default_rng(1), 0
    while count < times:
        with train(killed) as process:
            assert process.stderr is not None
            process.stderr.readline()  # an epoch, or that all of them are done
            time.sleep(moments.uniform(0, seconds / 6))
            process.kill()
            process.communicate()
        if process.returncode == 0:
            compare(straight, killed)
            (killed / "run.mlpk").unlink()
        else:
            count += 1
    assert finish(killed) == results
    compare(straight, killed)


def compare(straight: Path, killed: Path) -> None:
    one, other = straight / "run.mlpk", killed / "run.mlpk"
    assert mlpk.inspect(one) == mlpk.inspect(other)
    mine, theirs = mlpk.load_arrays(one), mlpk.load_arrays(other)
    for name, array in mine.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)
    assert sorted(path.name for path in straight.glob("*.mlpk")) == sorted(
        path.name for path in killed.glob("[!.]*.mlpk")
    )


def test_killed_commands_go_on_to_the_same_file(tmp_path: Path) -> None:
    kill(tmp_path, 4)


@pytest.mark.thorough
def test_commands_killed_often_go_on_to_the_same_file(tmp_path: Path) -> None:
    kill(tmp_path, 40)

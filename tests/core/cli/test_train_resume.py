"""mlpk train --resume: the same end as in one go, and what was interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import mlpk
from mlpk import hookimpl


def test_a_longer_run_equals_one_in_two_parts(
    run, write, assert_same, trained: Path, tmp_path: Path
) -> None:
    config, straight = write(), tmp_path / "straight.mlpk"
    assert run("train", config, "-o", straight, "--set", "fit.epochs=4").exit_code == 0
    result = run("train", config, "-o", trained, "--set", "fit.epochs=4", "--resume")
    assert result.exit_code == 0
    assert "epoch 3/4" in result.stderr
    assert "epoch 2/4" not in result.stderr
    assert_same(trained, straight)


def test_resuming_a_finished_run_tells_its_results(run, write, trained: Path) -> None:
    before = trained.read_bytes()
    result = run("train", write(), "-o", trained, "--resume")
    assert result.exit_code == 0
    assert result.stderr == f"{trained} is at epoch 2 of 2 already.\n"
    fewer = run("train", write(), "-o", trained, "--resume", "--set", "fit.epochs=1")
    assert fewer.stderr == f"{trained} is at epoch 2 of the 1 wanted already.\n"
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["loss", "accuracy"]
    assert trained.read_bytes() == before


def test_resume_without_a_file_starts(
    run, write, assert_same, trained_once: Path, tmp_path: Path
) -> None:
    assert run("train", write(), "-o", tmp_path / "new.mlpk", "--resume").exit_code == 0
    assert_same(tmp_path / "new.mlpk", trained_once)


def test_resuming_another_run_names_the_difference(run, write, trained: Path) -> None:
    result = run("train", write(), "-o", trained, "--resume", "--set", "fit.optimizer.lr=0.1")
    assert result.exit_code == 2
    assert "optimizer.config.lr" in result.stderr
    assert "0.003" in result.stderr


def test_another_seed_is_told_when_resuming(run, write, trained: Path) -> None:
    result = run("train", write(), "-o", trained, "--resume", "--set", "seed=4")
    assert result.exit_code == 2
    assert "seed: the run in" in result.stderr
    assert "had 3, this one has 4" in result.stderr


def test_a_run_of_the_command_line_goes_on_in_python(run, write, tmp_path: Path) -> None:
    out, straight = tmp_path / "out.mlpk", tmp_path / "straight.mlpk"
    changes = ["--set", 'fit.callbacks=["moving_average"]']
    run("train", write(), "-o", out, *changes)
    run("train", write(), "-o", straight, *changes, "--set", "fit.epochs=3")
    x, y, _, _ = mlpk.datasets.digits()
    head = mlpk.layers.dense(units=16).named("head")
    model = mlpk.Model(
        ["flatten", head, "relu", mlpk.layers.dense(units=10)], input_shape=(8, 8, 1), seed=3
    )
    model.fit(
        x, y, loss="softmax_cross_entropy", optimizer=mlpk.optimizers.adam(lr=0.003), epochs=3,
        batch_size=64, metrics=["accuracy"], callbacks=["moving_average"], progress=False,
        checkpoint=out, resume=True,
    )  # fmt: skip
    for name, array in mlpk.load(straight).params.items():
        np.testing.assert_array_equal(array, model.params[name])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_an_interrupted_run_goes_on_to_the_same_end(
    run, write, assert_same, tmp_path: Path
) -> None:
    config, out = write(("epochs = 2", "epochs = 400")), tmp_path / "out.mlpk"
    command = [sys.executable, "-m", "mlpk", "train", str(config), "-o", str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stderr is not None
        for epoch in (1, 2):  # once the second is told of, the first is saved
            assert process.stderr.readline().startswith(f"epoch {epoch}/400 ")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert process.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    assert stderr.endswith(f"--resume goes on from what {out} holds.\nInterrupted.\n")
    done = mlpk.inspect(out).state.fit.epoch
    assert 1 <= done < 400
    changes = ["--set", f"fit.epochs={done + 1}"]
    assert run("train", config, "-o", out, "--resume", *changes).exit_code == 0
    assert run("train", config, "-o", tmp_path / "straight.mlpk", *changes).exit_code == 0
    assert_same(out, tmp_path / "straight.mlpk")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_what_was_saved_inside_the_first_epoch_is_told_of(write, tmp_path: Path) -> None:
    config, out = write(("batch_size = 64", "batch_size = 1")), tmp_path / "out.mlpk"
    callbacks = f'fit.callbacks=[{{kind="checkpoint", path="{out}", every_steps=1}}]'
    command = [sys.executable, "-m", "mlpk", "train", str(config), "-o", str(out)]
    with subprocess.Popen(
        [*command, "--set", callbacks], stderr=subprocess.PIPE, text=True
    ) as process:
        while not out.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert mlpk.inspect(out).state.fit.epoch == 0
    assert stderr.endswith(f"--resume goes on from what {out} holds.\nInterrupted.\n")


class BrokenOff:
    """A callback in whose first batch somebody presses Ctrl-C."""

    kind = "broken_off"

    @hookimpl
    def mlpk_batch_end(self) -> None:
        raise KeyboardInterrupt


class Brings:
    @hookimpl
    def mlpk_callbacks(self):
        return [BrokenOff]


@pytest.mark.usefixtures("own_catalog")
def test_before_anything_was_saved_there_is_nothing_to_go_on_from(
    run, write, tmp_path: Path
) -> None:
    mlpk.plugins.add(Brings())
    out = tmp_path / "out.mlpk"
    result = run("train", write(), "-o", out, "--set", 'fit.callbacks=["broken_off"]')
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "Nothing was saved yet.\nInterrupted.\n"
    assert not out.exists()

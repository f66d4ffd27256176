"""A process that is killed at any moment leaves a run that goes on as if nothing had been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither fork nor SIGKILL"
)

# Imports once; then for each path on its standard input a process of its own trains there. It
# says when it begins, and at its end the digest of everything that it came to.
SCRIPT = """
import hashlib, json, os, sys
import numpy as np
import mlpk

class Shakes:
    @mlpk.hookimpl
    def mlpk_fit_begin(self, fit):
        print(json.dumps("begins"), flush=True)

    @mlpk.hookimpl
    def mlpk_batch_end(self, fit):
        bias = fit.model.params["dense/bias"]
        bias += 1e-2 * fit.rng("shakes").standard_normal(bias.shape)

x, y, x_test, y_test = mlpk.datasets.digits()

def train(path):
    layers = ["flatten", {"kind": "dense", "units": 12}, "batch_norm", "relu", {"kind": "dropout", "rate": 0.3},
              {"kind": "dense", "units": 10}]
    model = mlpk.Model(layers, input_shape=(8, 8, 1), seed=0)
    rate = {"kind": "cosine", "lr": 0.01, "steps": 40}
    optimizer = mlpk.optimizers.adam(lr=rate, clip_norm=1.0).attach(model)
    callbacks = [
        Shakes(),
        mlpk.callbacks.moving_average(decay=0.9),
        mlpk.callbacks.reduce_on_plateau(patience=1, monitor="loss"),
        mlpk.callbacks.early_stopping(patience=3, keep_best=False),
        mlpk.callbacks.checkpoint(path, every_steps=3, keep=2),
    ]
    history = model.fit(
        x[:300], y[:300], loss="softmax_cross_entropy", optimizer=optimizer, epochs=5,
        batch_size=32, accumulate=3, metrics=["accuracy", "confusion_matrix"],
        weight=np.linspace(0.5, 1.5, 300), validation=(x_test[:50], y_test[:50]),
        regularizer="l2", callbacks=callbacks, progress=False, checkpoint=path, resume=True,
    )
    arrays = {**model.params, **model.buffers, "predictions": model.predict(x_test)}
    arrays |= {f"slot {name}": arena.flat for name, arena in optimizer.slots.items()}
    for name, column in history.metrics.items():
        arrays |= {f"{name} {epoch}": np.asarray(value) for epoch, value in enumerate(column)}
    return {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()}

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        print(json.dumps(train(line.strip())), flush=True)
        os._exit(0)
    print(json.dumps(child), flush=True)
    _, status = os.waitpid(child, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status)]), flush=True)
"""


class Trainer:
    """The process that starts the others."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def heard(self) -> Iterator[Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)

    def train(self, path: Path, *, kill_after: float | None = None) -> dict[str, str] | None:
        """Return the digests of a run to its end, None if it was killed before."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        found, child, begun = None, 0, False
        for word in self.heard():
            child = word if isinstance(word, int) else child
            found = word if isinstance(word, dict) else found
            begun = begun or word == "begins"
            if child and begun and kill_after is not None:
                time.sleep(kill_after)
                with suppress(ProcessLookupError):  # it came through
                    os.kill(child, signal.SIGKILL)
                kill_after = None
            if isinstance(word, list):
                assert word == [-signal.SIGKILL if found is None else 0]
                return found
        raise AssertionError("the process that trains ended by itself")


@pytest.fixture
def trainer() -> Iterator[Trainer]:
    made = Trainer()
    yield made
    made.process.communicate()


def kill(trainer: Trainer, folder: Path, times: int) -> None:
    """Kill runs, which go on each time, until so many were killed; compare all that came through."""
    started = time.perf_counter()
    wanted = trainer.train(folder / "straight.mlpk")
    assert wanted is not None
    seconds = time.perf_counter() - started
    path, killed, moments = folder / "run.mlpk", 0, np.random.default_rng(0)
    while killed < times:
        found = trainer.train(path, kill_after=moments.uniform(0, seconds / 2))
        if found is None:
            killed += 1
            if path.exists():
                mlpk.load(path)  # whole, every byte
        else:
            assert found == wanted
            path.unlink()
    assert trainer.train(path) == wanted


def test_a_killed_run_goes_on_exactly(trainer: Trainer, tmp_path: Path) -> None:
    kill(trainer, tmp_path, 6)


@pytest.mark.thorough
def test_a_run_that_is_killed_often_goes_on_exactly(trainer: Trainer, tmp_path: Path) -> None:
    kill(trainer, tmp_path, 60)

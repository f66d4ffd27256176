"""SIGKILL at any moment of a save: afterwards the path holds the old model or the new one."""

from __future__ import annotations

import logging
import time
from collections import Counter

import numpy as np
import pytest

import mlpk
from mlpk.errors import FileFormatError

MODEL = """
    model = mlpk.Model([mlpk.layers.dense(4096, init="zeros")], input_shape=(4096,))
    model.params["dense/weight"][...] = np.arange(4096.0) + value
"""
SAVE = f"{MODEL}\n    ready()\n    result = model.save(path)\n"
# Saves that were measured before the first kill, and the parts that one is divided into.
MEASURED, PARTS = 3, 10


def saved(forks, path, value):
    """Return the digest of a save, and how long it took."""
    job = forks.start(SAVE, path=str(path), value=value)
    job.wait_until_ready()
    started = time.perf_counter()
    job.go()
    return job.result(), time.perf_counter() - started


def killed(forks, path, value, delay):
    """Begin to save, and kill that after a delay; tell whether it came before the end."""
    job = forks.start(SAVE, path=str(path), value=value)
    job.wait_until_ready()
    job.go()
    time.sleep(delay)
    return job.kill() != 0


def left_behind(path):
    """Return what a killed save left beside its target, and take it away."""
    found = [other for other in path.parent.iterdir() if other != path]
    assert len(found) <= 1
    assert all(other.name.startswith(".mlpk-") for other in found)
    for other in found:
        with other.open("rb") as file:
            begun = file.read(64).strip(b"\0")
        if begun:
            mlpk.load(other)
        else:
            with pytest.raises(FileFormatError):
                mlpk.load(other)
        other.unlink()
        return "bytes on their way to the disk" if begun else "bytes being written"
    return None


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.thorough)])
def test_a_kill_leaves_the_old_model_or_the_new_one(forks, tmp_path, kills):
    path = tmp_path / "a.mlpk"
    digests, seconds = {}, []
    for value in (0, 1) * MEASURED:
        digests[value], took = saved(forks, path, value)
        seconds.append(took)
    whole = sorted(seconds)[len(seconds) // 2]
    rng = np.random.default_rng()
    moments = Counter()
    held = 1
    number = 0
    while sum(moments.values()) < kills:
        # One moment in each part of a save in turn, so that all of them are met.
        delay = (number % PARTS + rng.random()) / PARTS * whole
        number += 1
        assert number <= 5 * kills, f"most saves were done before they were killed: {moments}"
        early = killed(forks, path, 1 - held, delay)
        found = int(mlpk.load(path).params["dense/weight"][0, 0])
        mlpk.load(path, expect=digests[found], verify="header")
        left = left_behind(path)
        if early:
            replaced = "new name" if found != held else "nothing yet"
            moments[left or replaced] += 1
        else:
            assert found == 1 - held
        whole *= 1.01 if early else 0.95  # how busy the machine is changes; one in six is too late
        held = found
    report = "a save took about %.3f s; when the kills came: %s; %d came too late"
    logging.getLogger(__name__).info(report, whole, dict(moments), number - kills)
    assert moments["bytes being written"] + moments["bytes on their way to the disk"] >= kills / 4

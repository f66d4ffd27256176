"""Golden files changed in every way that comes to mind: two readers agree about each."""

from __future__ import annotations

import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from agreement import Verdict, verdict
from mutants import Mutant, mutant

import mlpk
from mlpk import MlpkError

HERE = Path(__file__).parent
# Python's table of interned texts takes a few MiB at once when it grows; what mutants say of a
# tensor that is not there begins with 16.
SLACK = 8 * 2**20
NETWORKS = ("feed", "names", "outputs", "roles", "tensors")
STEPS = ("prelude", "header", "msgpack", "field", "claim", "table", "frame", "payload")


def judged(each: Mutant) -> Verdict:
    """Return the verdict on a mutant; a failure says how to make it again."""
    try:
        return verdict(each.data)
    except Exception as error:
        raise AssertionError(f"{each.story}: {type(error).__name__}: {error}") from error


@pytest.mark.parametrize(
    "seeds", [range(3_000), pytest.param(range(3_000, 103_000), marks=pytest.mark.thorough)]
)
def test_both_readers_make_the_same_of_mutants(seeds: range) -> None:
    found = [judged(mutant(seed)) for seed in seeds]
    # The mutants have to be of all sorts, or their agreement would say little.
    rules = Counter(each.rule for each in found)
    steps = Counter(str(rule).partition("-")[0] for rule in rules.elements() if rule)
    assert 0.05 < rules[None] / len(seeds) < 0.4
    assert sum(each.built for each in found) > 0.03 * len(seeds)
    assert len(rules) > 70
    assert steps.keys() == set(STEPS)
    assert min(steps.values()) > 0.005 * len(seeds)
    assert max(steps.values()) < 0.4 * len(seeds)
    networks = {each.network for each in found}
    assert networks == {None, *(f"network-{what}" for what in NETWORKS)}


def opens(door: Callable[..., Any], *given: Any, **options: Any) -> bool:
    try:
        door(*given, **options)
    except MlpkError:
        return False
    return True


@pytest.mark.parametrize(
    "seeds", [range(300), pytest.param(range(3_000, 13_000), marks=pytest.mark.thorough)]
)
def test_every_door_opens_for_the_same_mutants(seeds: range, tmp_path: Path) -> None:
    for seed in seeds:
        each = mutant(seed)
        found = judged(each)
        path = tmp_path / f"{seed}.mlpk"
        path.write_bytes(each.data)
        container = found.rule is None or found.rule.startswith("payload-")
        assert opens(mlpk.inspect, path) == container, each.story
        assert opens(mlpk.load_arrays, path) == (found.rule is None), each.story
        for options in ({}, {"mmap": True}):
            assert opens(mlpk.load, path, missing="opaque", **options) == found.built, each.story
        assert opens(mlpk.load, path) <= found.built, each.story  # which wants every kind
        unverified = opens(mlpk.load, path, missing="opaque", verify="header")
        assert found.built <= unverified <= container, each.story
        path.unlink()


@pytest.mark.parametrize(
    "seeds", [range(300), pytest.param(range(3_000, 13_000), marks=pytest.mark.thorough)]
)
def test_no_memory_is_taken_for_what_a_mutant_only_says(seeds: range, tmp_path: Path) -> None:
    path = tmp_path / "mutant.mlpk"
    mlpk.load(HERE / "golden" / "dense.mlpk")  # what the first reading alone takes is taken
    tracemalloc.start()
    try:
        for seed in seeds:
            each = mutant(seed)
            path.write_bytes(each.data)
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            with suppress(MlpkError):
                mlpk.load_arrays(path)
            with suppress(MlpkError):
                mlpk.load(path, missing="opaque")
            _, peak = tracemalloc.get_traced_memory()
            assert peak - before < SLACK + 40 * len(each.data), each.story
    finally:
        tracemalloc.stop()


def test_a_mutant_can_be_made_again_from_its_seed(tmp_path: Path) -> None:
    wanted = mutant(7)
    path = tmp_path / "again.mlpk"
    command = [sys.executable, str(HERE / "mutants.py"), "7", str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert path.read_bytes() == wanted.data
    assert re.fullmatch(r"seed 7: .*", wanted.story)
    assert said == f"{path}: {wanted.story}\n"

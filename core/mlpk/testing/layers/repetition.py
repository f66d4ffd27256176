"""What a layer has to keep when something is done twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlpk.arrays import Array
from mlpk.example import Example
from mlpk.saved import dumps, loads
from mlpk.testing.bench import Bench

__all__ = ["CHECKS"]


def same_seed_same_answer(example: Example) -> None:
    """Two networks of one seed agree bit for bit both ways, and so do two goes at one step."""
    first, second = Bench(example), Bench(example)
    for training in (False, True):  # which moves buffers, once more in one of them
        wanted = first.both_ways(training=training)
        again = first.both_ways(training=training)
        for name, array in second.both_ways(training=training).items():
            assert np.array_equal(array, wanted[name], equal_nan=True), f"{name} differs"
            assert np.array_equal(again[name], wanted[name], equal_nan=True), (
                f"{name} differs when the step is taken again"
            )


def saved_is_the_same(example: Example) -> None:
    """A network that was saved and loaded gives the same answers, bit for bit."""
    bench = Bench(example)
    bench.forward(training=True)
    loaded = loads(dumps(bench.model))
    assert loaded.spec == bench.model.spec
    found, wanted = (_listed(model.predict(bench.inputs)) for model in (loaded, bench.model))
    for here, there in zip(found, wanted, strict=True):
        assert np.array_equal(here, there, equal_nan=True), "the loaded network answers otherwise"


def twice_in_a_net_and_interleaved(example: Example) -> None:
    """Two nodes of one layer, and two passes that take turns, do not get in each other's way."""
    bench = Bench(example, nodes=2)
    second = bench.new_pass()
    wanted_first = bench.both_ways()
    bench.redraw(example, seed=1)
    wanted_second = bench.both_ways(run=second)
    bench.redraw(example, seed=0)
    first_outputs = bench.forward(training=True)
    bench.redraw(example, seed=1)
    second_outputs = bench.forward(training=True, run=second)
    found_first = bench.backward(bench.run, first_outputs)
    found_second = bench.backward(second, second_outputs)
    for found, wanted in ((found_first, wanted_first), (found_second, wanted_second)):
        assert found.keys() == wanted.keys()
        for name, array in found.items():
            assert np.array_equal(array, wanted[name], equal_nan=True), (
                f"{name} differs when two passes take turns"
            )


CHECKS = (same_seed_same_answer, saved_is_the_same, twice_in_a_net_and_interleaved)


def _listed(outputs: Any) -> list[Array]:
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]

"""What a step costs, by hand; that it takes no memory of a batch; how many Python calls it is."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np
import pytest
from contestants.with_mlpk import model_of
from machine import Rates
from workload import WORKLOADS, named

import mlpk

BUFFERS = 2**17  # bytes that NumPy and Python take on the way, whatever the batch


def test_multiply_adds_of_dense_layers():
    # Forward and the weights' gradient of both; the inputs' gradient of the second alone.
    assert named("W1").multiply_adds == 100 * (2 * 784 * 50 + 3 * 50 * 10)
    assert named("P1 W2 1024").multiply_adds == 1024 * (784 * 100 + 100 * 10)


def test_multiply_adds_of_convolutions():
    first, second = 32 * 32 * 9 * 3 * 32, 32 * 32 * 9 * 32 * 32
    third, fourth = 16 * 16 * 9 * 32 * 64, 16 * 16 * 9 * 64 * 64
    behind = second + third + fourth + 8 * 8 * 64 * 10
    assert named("W4").multiply_adds == 64 * (2 * first + 3 * behind)


def test_multiply_adds_of_a_recurrent_layer():
    # Nobody reads the gradient of the inputs; that of the states is read at every step.
    assert named("W7").multiply_adds == 64 * (32 * (2 * 16 * 256 + 3 * 64 * 256) + 3 * 64 * 10)


def test_bytes_of_a_step():
    weights = (16 + 64) * 256 + 256 + 64 * 10 + 10
    products = 32 * 256 + 10
    assert named("W7").bytes == 4 * 64 * (32 * 16 + 2 * products) + 4 * 2 * 4 * weights
    weights = 784 * 50 + 50 + 50 * 10 + 10
    assert named("W1").bytes == 4 * (100 * 784 + 2 * 2 * weights + 2 * 100 * 60)
    adam = 784 * 100 + 100 + 100 * 10 + 10
    assert named("W2").bytes == 4 * (128 * 784 + 2 * 4 * adam + 2 * 128 * 110)
    assert named("P1 W2 1").bytes == 4 * (784 + adam + 110)


def test_a_limit_is_arithmetic_and_the_bytes_at_the_rate_of_their_size():
    rates = Rates(1e9, {2**18: 4e9, 2**20: 2e9, 2**22: 1e9}, "")
    workload = named("W1")
    assert 2**20 > workload.bytes > 2**18
    wanted = workload.multiply_adds / 1e9 + workload.bytes / 2e9
    assert rates.limit(workload) == pytest.approx(wanted)


def test_of_two_measurings_the_higher_rates_count():
    one, other = Rates(1e9, {1: 4.0, 2: 1.0}, "a"), Rates(2e9, {1: 3.0, 2: 5.0}, "a")
    assert one.or_better(other) == Rates(2e9, {1: 4.0, 2: 5.0}, "a")


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: each.name)
def test_the_network_of_mlpk_is_the_one_that_was_counted(workload):
    model = model_of(workload.net)
    assert sum(param.size for param in model.params.values()) == workload.net.parameters
    shapes = [node.shape for node in model.graph.nodes.values()]
    assert shapes == [sized.made for sized in workload.net.sized()]


def test_data_are_the_same_each_time_and_of_every_class():
    x, y = named("W1").data()
    again, labels = named("W1").data()
    assert x.dtype == np.float32
    assert x.shape == (10_000, 784)
    assert np.array_equal(x, again)
    assert np.array_equal(y, labels)
    assert set(y.tolist()) == set(range(10))


class Watch:
    """Notes how much memory was taken, at most, from one step to the next."""

    def __init__(self):
        self.taken = []

    @mlpk.hookimpl
    def mlpk_batch_end(self, fit):
        self.taken.append(tracemalloc.get_traced_memory()[1] - self.held if fit.step > 1 else 0)
        tracemalloc.reset_peak()
        self.held = tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize("name", ["W3", "W4", "W5", "W7"])
def test_a_step_takes_no_memory_of_the_size_of_a_batch(name):
    workload, watch = named(name), Watch()
    x, y = (array[: 3 * workload.batch] for array in workload.data())
    tracemalloc.start()
    try:
        model_of(workload.net).fit(
            x, y, loss="softmax_cross_entropy", optimizer=workload.optimizer,
            batch_size=workload.batch, callbacks=[watch], progress=False,
        )  # fmt: skip
    finally:
        tracemalloc.stop()
    assert len(watch.taken) == 3
    assert max(watch.taken) < BUFFERS < 4 * workload.batch * workload.net.outputs()


class Calls:
    """Counts the functions of Python that are entered, from one step to the next."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count until the end."""
        before, self.count = sys.getprofile(), 0
        sys.setprofile(self.entered)
        try:
            yield
        finally:
            sys.setprofile(before)

    def entered(self, frame: FrameType, event: str, _: object) -> None:
        self.count += event == "call"

    @mlpk.hookimpl
    def mlpk_batch_end(self, fit):
        self.counts.append(self.count)
        self.count = 0


def test_a_small_step_is_few_calls_of_python():
    """What W6 takes is calls, not arithmetic. More than these are a step that has become slower."""
    workload, calls = named("W6"), Calls()
    x, y = (array[: 5 * workload.batch] for array in workload.data())
    with calls.counting():
        model_of(workload.net).fit(
            x, y, loss="softmax_cross_entropy", optimizer="sgd", batch_size=workload.batch,
            callbacks=[calls], progress=False,
        )  # fmt: skip
    assert max(calls.counts[1:]) <= 104


def test_predicting_a_row_is_few_calls_of_python():
    workload, calls = named("P1 W2 1"), Calls()
    model, (x, _) = model_of(workload.net), workload.data()
    model.predict(x)
    with calls.counting():
        model.predict(x)
    assert calls.count <= 44

"""A warm step takes no memory that grows with the batch."""

import tracemalloc

import numpy as np
import pytest

import mlpk
from mlpk import hookimpl

# Above this NumPy's own buffers, of up to 8192 elements, are as large as they get.
ROWS = 8192
WARM = 2
STEPS = 5


class Growth:
    """The most that was allocated at one time within each step, once the first ones are over."""

    def __init__(self) -> None:
        self.peaks: list[int] = []

    @hookimpl
    def mlpk_batch_end(self, fit):
        if fit.step > WARM:
            self.peaks.append(tracemalloc.get_traced_memory()[1] - self.before)
        tracemalloc.reset_peak()
        self.before = tracemalloc.get_traced_memory()[0]


def usual(rows):
    rng = np.random.default_rng(0)
    return {"x": rng.random((rows, 6), np.float32), "y": rng.integers(10, size=rows)}


def growth(rows, given=usual, last=(), **more):
    """The peak of warm steps on batches of so many rows."""
    layers = [
        {"kind": "dense", "units": 5},
        "batch_norm",
        "relu",
        {"kind": "dropout", "rate": 0.3},
        {"kind": "dense", "units": 10},
        *last,
    ]
    model = mlpk.Model(layers, input_shape=(6,), seed=0)
    watch = Growth()
    arguments = {"loss": "softmax_cross_entropy", "optimizer": "adam", "metrics": ["accuracy"]}
    arguments |= {"batch_size": rows, "callbacks": [watch], "progress": False, **more}
    data = given(rows * STEPS)
    tracemalloc.start()
    try:
        model.fit(**data, **arguments)
    finally:
        tracemalloc.stop()
    assert len(watch.peaks) == STEPS - WARM
    return max(watch.peaks)


def weighted(rows):
    return {**usual(rows), "weight": np.random.default_rng(1).random(rows)}


def doubles(rows):
    return {**usual(rows), "x": np.random.default_rng(0).random((rows, 6))}


def bytes_(rows):
    return {
        **usual(rows),
        "x": np.random.default_rng(0).integers(255, size=(rows, 6), dtype=np.uint8),
    }


def one_hot(rows):
    return {**weighted(rows), "y": np.eye(10)[usual(rows)["y"]]}


def scattered(rows):
    return {**usual(rows), "x": np.asfortranarray(usual(rows)["x"])}


def numbers(rows):
    return {**usual(rows), "y": np.random.default_rng(0).random((rows, 10))}


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"given": weighted},
        {"given": doubles},
        {"given": bytes_, "shuffle": False},
        {"given": one_hot, "accumulate": 2},
        {"given": scattered},
        {"regularizer": "l2", "optimizer": {"kind": "momentum", "clip_norm": 1.0}},
        {"metrics": ["accuracy", "top_k_accuracy"], "given": weighted},
        {"given": numbers, "loss": "mean_squared_error", "metrics": ["mean_absolute_error"]},
        {"given": numbers, "loss": "binary_cross_entropy", "metrics": []},
        {"loss": "cross_entropy", "last": ["softmax"]},
        {"loss": {"kind": "softmax_cross_entropy", "label_smoothing": 0.1}},
    ],
    ids=lambda plan: " ".join(
        getattr(value, "__name__", str(value).strip("[]{}'")) for value in plan.values()
    ),
)
def test_no_allocation_grows_with_the_batch(plan):
    small, large = growth(ROWS, **plan), growth(4 * ROWS, **plan)
    assert large - small < ROWS  # a third of a byte for each further row


def test_a_step_on_a_small_batch_takes_next_to_nothing():
    assert growth(64) < 32 * 1024

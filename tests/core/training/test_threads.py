"""How many threads matrix products take while a network trains."""

from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import blas, hookimpl
from mlpk.workers import LITTLE, MUCH

pytestmark = pytest.mark.usefixtures("three_threads")
FEATURES = 1024


class Counts:
    """Notes what BLAS takes between two steps."""

    def __init__(self, seen):
        self.seen = seen

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.seen.append(blas._openblas().get())


@mlpk.define
class Within(mlpk.Schedule):
    """A rate that notes what BLAS takes within a step."""

    kind = "within"
    seen: ClassVar[list[int]] = []

    def at(self, t):
        self.seen.append(blas._openblas().get())
        return 0.1


def during(units, rows, *, batches=False):
    """What BLAS takes within a step, behind it, and after the run."""
    model = mlpk.Model([{"kind": "dense", "units": units}], input_shape=(FEATURES,), seed=0)
    seen = Within.seen
    seen.clear()
    x, y = np.zeros((rows, FEATURES), np.float32), np.zeros((rows, units), np.float32)
    data = {"x": [(x, y)]} if batches else {"x": x, "y": y, "batch_size": rows}
    model.fit(
        **data,
        loss="mean_squared_error",
        optimizer=mlpk.optimizers.sgd(lr=Within()),
        callbacks=[Counts(seen)],
        progress=False,
    )
    return *seen, blas._openblas().get()


def test_small_products_take_one():
    rows = LITTLE // (FEATURES * 256)
    assert during(256, rows) == (1, 3, 3)
    assert during(256, rows + 1) == (3, 3, 3)


def test_products_that_are_shared_out_take_one_each():
    rows = MUCH // (FEATURES * 256)
    assert during(256, rows) == (1, 3, 3)
    assert during(256, rows - 1) == (3, 3, 3)


def test_where_the_size_of_a_batch_is_not_known_they_take_all():
    assert during(1, 2, batches=True) == (3, 3, 3)


def test_they_get_them_back_from_a_run_that_fails():
    model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(1,), seed=0)
    x = np.full((4, 1), 1e30, np.float32)
    with pytest.raises(mlpk.DivergedError):
        model.fit(x, x, loss="mean_squared_error", optimizer="sgd", progress=False)
    assert blas._openblas().get() == 3


def test_each_step_begins_with_all_of_them(tmp_path):
    """Before the first work that is shared products take all, in a run that went on as in another."""
    layers = [
        {"kind": "dense", "units": 1024},
        {"kind": "reshape", "shape": [16, 16, 4]},
        {"kind": "conv2d", "filters": 8, "kernel_size": 3},
        "flatten",
        {"kind": "dense", "units": 10},
    ]
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((128, 400)).astype(np.float32), rng.integers(0, 10, 128)
    options = {"loss": "softmax_cross_entropy", "batch_size": 64, "seed": 0, "progress": False}
    whole, stopped = (mlpk.Model(layers, input_shape=(400,), seed=0) for _ in range(2))
    whole.fit(x, y, epochs=2, optimizer="adam", **options)
    path = tmp_path / "run.mlpk"
    stopped.fit(x, y, epochs=1, optimizer="adam", checkpoint=path, **options)
    resumed = mlpk.Model(layers, input_shape=(400,), seed=0)
    resumed.fit(x, y, epochs=2, optimizer="adam", checkpoint=path, resume=True, **options)
    for name, array in whole.params.items():
        np.testing.assert_array_equal(resumed.params[name], array, err_msg=name)

"""How many threads matrix products take while a network trains."""

import numpy as np
import pytest

import mlpk
from mlpk import blas, hookimpl
from mlpk.training.fit import LITTLE

pytestmark = pytest.mark.usefixtures("three_threads")
FEATURES = 1024


class Counts:
    def __init__(self, seen):
        self.seen = seen

    @hookimpl
    def mlpk_batch_end(self, fit):
        self.seen.append(blas._openblas().get())


def during(units, rows, *, batches=False):
    """What BLAS takes within a step, and then after the run."""
    model = mlpk.Model([{"kind": "dense", "units": units}], input_shape=(FEATURES,), seed=0)
    seen = []
    x, y = np.zeros((rows, FEATURES), np.float32), np.zeros((rows, units), np.float32)
    data = {"x": [(x, y)]} if batches else {"x": x, "y": y, "batch_size": rows}
    model.fit(
        **data, loss="mean_squared_error", optimizer="sgd", callbacks=[Counts(seen)], progress=False
    )
    return *seen, blas._openblas().get()


def test_small_products_take_one():
    rows = LITTLE // (FEATURES * 256)
    assert during(256, rows) == (1, 3)
    assert during(256, rows + 1) == (3, 3)


def test_where_the_size_of_a_batch_is_not_known_they_take_all():
    assert during(1, 2, batches=True) == (3, 3)


def test_they_get_them_back_from_a_run_that_fails():
    model = mlpk.Model([{"kind": "dense", "units": 1}], input_shape=(1,), seed=0)
    x = np.full((4, 1), 1e30, np.float32)
    with pytest.raises(mlpk.DivergedError):
        model.fit(x, x, loss="mean_squared_error", optimizer="sgd", progress=False)
    assert blas._openblas().get() == 3

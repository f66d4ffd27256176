"""Losses and metrics gathered over batches."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Example, Metric, define
from mlpk.errors import ConfigError, DataError
from mlpk.metric import ROWS
from mlpk.training.batch import Batch
from mlpk.training.measures import Measures
from mlpk.training.objective import Objective

RNG = np.random.default_rng(3)


@define
class Pieces(Metric):
    """How many updates there were, and the longest."""

    kind: ClassVar[str] = "pieces"

    def start(self):
        return {"count": np.zeros((), np.int64), "longest": np.zeros((), np.int64)}

    def update(self, state, prediction, target, weight):
        assert len(prediction) == len(target)
        assert weight is None or len(weight) == len(target)
        state["count"] += 1
        np.maximum(state["longest"], len(prediction), out=state["longest"])

    def result(self, state):
        return np.array([state["count"], state["longest"]])

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (1,), draw=lambda rng, n: (rng.random((n, 1)), rng.random(n)))


def one_headed():
    return mlpk.Model([{"kind": "dense", "units": 3}], input_shape=(2,), dtype="float64", seed=0)


def two_headed():
    x = mlpk.Input((3,), name="x")
    left = mlpk.layers.dense(units=3)(x, name="left")
    right = mlpk.layers.dense(units=3)(x, name="right")
    return mlpk.Model(inputs=x, outputs=[left, right], dtype="float64", seed=0)


def gather(measures, outputs, targets, sizes, weight=None):
    """Add everything in batches of these sizes."""
    start = 0
    for size in sizes:
        piece = slice(start, start + size)
        batch = Batch(
            {},
            {name: target[piece] for name, target in targets.items()},
            None if weight is None else weight[piece],
            size,
            start,
        )
        here = {name: output[piece] for name, output in outputs.items()}
        if measures.objective is not None:
            measures.objective.forward(here, batch)
        measures.add(here, batch)
        start += size


def log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("sizes", [(10,), (4, 4, 2), (1, 9), (1,) * 10])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_mean_over_the_set_does_not_depend_on_the_batches(sizes, weighted):
    model = one_headed()
    z, labels = RNG.standard_normal((10, 3)), RNG.integers(3, size=10)
    weight = RNG.random(10) if weighted else None
    w = np.ones(10) if weight is None else weight
    each = -log_softmax(z)[np.arange(10), labels]
    hits = z.argmax(axis=1) == labels
    measures = Measures(model, Objective(model, "softmax_cross_entropy"), ["accuracy"])
    gather(measures, {"dense": z}, {"dense": labels}, sizes, weight)
    found = measures.results("val_")
    assert list(found) == ["val_loss", "val_accuracy"]
    assert found["val_loss"] == pytest.approx((w * each).sum() / w.sum(), rel=1e-13)
    assert found["val_accuracy"] == pytest.approx((w * hits).sum() / w.sum(), rel=1e-13)


def test_each_output_has_a_mean_of_its_own():
    """Labels that are ignored at one output take no rows away from the other."""
    model = two_headed()
    z = {name: RNG.standard_normal((6, 3)) for name in ("left", "right")}
    left, right = np.array([0, -1, -1, 2, 1, -1]), np.array([1, 1, 0, 2, 2, 0])
    loss = {"kind": "softmax_cross_entropy", "ignore_index": -1}
    objective = Objective(model, {"left": loss, "right": "softmax_cross_entropy"})
    measures = Measures(model, objective, {"left": [{"kind": "accuracy", "ignore_index": -1}]})
    gather(measures, z, {"left": left, "right": right}, (3, 2, 1))
    kept = left >= 0
    wanted_left = -log_softmax(z["left"])[kept, left[kept]].mean()
    wanted_right = -log_softmax(z["right"])[np.arange(6), right].mean()
    found = measures.results()
    assert list(found) == ["loss", "left_loss", "right_loss", "left_accuracy"]
    assert found["left_loss"] == pytest.approx(wanted_left, rel=1e-13)
    assert found["right_loss"] == pytest.approx(wanted_right, rel=1e-13)
    assert found["loss"] == pytest.approx(wanted_left + wanted_right, rel=1e-13)
    assert found["left_accuracy"] == (z["left"].argmax(axis=1) == left)[kept].mean()
    assert measures.outputs == {"left", "right"}


def test_the_loss_includes_the_penalty():
    model = one_headed()
    objective = Objective(model, "mean_squared_error", {"kind": "l2", "l2": 2.0})
    measures = Measures(model, objective, ())
    gather(measures, {"dense": np.ones((2, 3))}, {"dense": np.zeros((2, 3))}, (2,))
    squares = float((model.params["dense/weight"] ** 2).sum())
    assert measures.results() == {"loss": pytest.approx(1.0 + squares)}


def test_nothing_that_counts_is_a_loss_of_zero():
    model = one_headed()
    measures = Measures(model, Objective(model, "mean_squared_error"), ())
    outputs, targets = {"dense": np.ones((2, 3))}, {"dense": np.zeros((2, 3))}
    gather(measures, outputs, targets, (2,), np.zeros(2))
    assert measures.results() == {"loss": 0.0}


def test_metrics_get_pieces_of_bounded_length():
    model = one_headed()
    rows = 2 * ROWS + 7
    measures = Measures(model, None, [Pieces(), "accuracy"])
    z, labels = RNG.standard_normal((rows, 3)), RNG.integers(3, size=rows)
    gather(measures, {"dense": z}, {"dense": labels}, (rows,), np.ones(rows))
    found = measures.results()
    np.testing.assert_array_equal(found["pieces"], [3, ROWS])
    assert found["accuracy"] == pytest.approx((z.argmax(axis=1) == labels).mean(), rel=1e-13)


def test_an_error_of_a_metric_names_the_callers_row():
    model = one_headed()
    labels = np.zeros(ROWS + 5, np.int64)
    labels[ROWS + 2] = 7
    measures = Measures(model, None, ["accuracy"])
    batch = Batch({}, {"dense": labels}, None, len(labels), start=100)
    with pytest.raises(DataError, match=f"row {100 + ROWS + 2}") as caught:
        measures.add({"dense": np.zeros((len(labels), 3))}, batch)
    assert caught.value.row == 100 + ROWS + 2


def test_a_metric_that_stands_twice_is_numbered():
    model = one_headed()
    metrics = ["accuracy", {"kind": "accuracy", "ignore_index": -1}, "accuracy", "top_k_accuracy"]
    measures = Measures(model, None, metrics)
    assert list(measures.metrics) == ["accuracy", "accuracy_1", "accuracy_2", "top_k_accuracy"]
    lone = Measures(two_headed(), None, {"right": "accuracy", "left": mlpk.metrics.accuracy()})
    assert list(lone.metrics) == ["right_accuracy", "left_accuracy"]
    several = Measures(two_headed(), None, {"right": ["accuracy", "accuracy"]})
    assert list(several.metrics) == ["right_accuracy", "right_accuracy_1"]
    assert several.outputs == {"right"}


def test_state_goes_on_where_it_was():
    model = one_headed()

    def made():
        return Measures(model, Objective(model, "softmax_cross_entropy"), ["accuracy"])

    z, labels = RNG.standard_normal((8, 3)), RNG.integers(3, size=8)
    outputs, targets = {"dense": z}, {"dense": labels}
    whole, first, second = made(), made(), made()
    gather(whole, outputs, targets, (3, 5))
    gather(first, outputs, targets, (3,))
    held = {
        name: np.array(value) if isinstance(value, np.ndarray) else value
        for name, value in first.state().items()
    }
    gather(first, outputs, targets, (3,))  # what was held is no view of it
    second.restore(held)
    gather(second, {"dense": z[3:]}, {"dense": labels[3:]}, (5,))
    assert second.results() == whole.results()
    second.start()
    gather(second, outputs, targets, (3, 5))
    assert second.results() == whole.results()


@pytest.mark.parametrize("metrics", [None, 3, {"dense": None}])
def test_what_is_no_list_is_refused(metrics):
    with pytest.raises(
        ConfigError, match=r"^metrics(\['dense'\])?: wanted a list of metrics, found"
    ):
        Measures(one_headed(), None, metrics)


@pytest.mark.parametrize(
    "metrics",
    ["accuracy", {"kind": "accuracy"}, {"dense": "accuracy"}, mlpk.metrics.accuracy()],
    ids=str,
)
def test_one_needs_no_list(metrics):
    assert list(Measures(one_headed(), None, metrics).metrics) == ["accuracy"]

"""Loss and metrics over a whole set."""

from itertools import pairwise

import numpy as np
import pytest

import mlpk
from mlpk.errors import ConfigError, DataError, ShapeError

LOSS = "softmax_cross_entropy"


def by_hand(model, x, labels, weight=None):
    """Loss and accuracy from the logits that the model predicts, in float64."""
    z = model.predict(x).astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    each = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]
    weight = np.ones(len(z)) if weight is None else weight
    hits = z.argmax(axis=1) == labels
    return {
        "loss": (weight * each).sum() / weight.sum(),
        "accuracy": (weight * hits).sum() / weight.sum(),
    }


@pytest.fixture
def model(net, fit, digits):
    """A net whose running statistics are no longer the first ones."""
    made = net()
    fit(made, *digits)
    return made


@pytest.mark.parametrize("batch_size", [1, 7, 64, 1000])
@pytest.mark.parametrize("weighted", [False, True])
def test_numbers_are_those_of_the_whole_set(model, digits, batch_size, weighted):
    x, y = digits
    weight = np.random.default_rng(0).random(len(x)) if weighted else None
    found = model.evaluate(
        x, y, loss=LOSS, metrics=["accuracy"], weight=weight, batch_size=batch_size
    )
    wanted = by_hand(model, x, y, weight)
    assert list(found) == ["loss", "accuracy"]
    assert found["loss"] == pytest.approx(wanted["loss"], rel=2e-6)
    assert found["accuracy"] == pytest.approx(wanted["accuracy"], rel=2e-6)
    assert all(type(value) is float for value in found.values())


def test_streams_of_uneven_batches_give_the_same(model, digits):
    x, y = digits
    weight = np.random.default_rng(1).random(len(x))
    cuts = [0, 1, 50, 57, len(x)]
    parts = [slice(a, b) for a, b in pairwise(cuts)]
    stream = ((x[part], y[part], weight[part]) for part in parts)
    found = model.evaluate(stream, loss=LOSS, metrics=["accuracy"])
    wanted = by_hand(model, x, y, weight)
    assert found["loss"] == pytest.approx(wanted["loss"], rel=2e-6)
    assert found["accuracy"] == pytest.approx(wanted["accuracy"], rel=2e-6)


def test_evaluation_changes_nothing(model, digits, arrays):
    before = arrays(model)
    first = model.evaluate(*digits, loss=LOSS)
    assert model.evaluate(*digits, loss=LOSS) == first
    for name, array in arrays(model).items():
        np.testing.assert_array_equal(array, before[name])


def test_the_penalty_is_in_the_loss(model, digits):
    plain = model.evaluate(*digits, loss=LOSS)["loss"]
    with_penalty = model.evaluate(*digits, loss=LOSS, regularizer={"kind": "l2", "l2": 0.5})["loss"]
    weights = (model.params[name] for name in ("dense/weight", "dense_1/weight"))
    penalty = sum(0.25 * float((w.astype(np.float64) ** 2).sum()) for w in weights)
    assert with_penalty - plain == pytest.approx(penalty, rel=1e-5)


def test_metrics_alone_need_no_loss(model, digits):
    assert list(model.evaluate(*digits, metrics=["accuracy"])) == ["accuracy"]
    with pytest.raises(ConfigError, match=r"wanted a loss=, metrics=\[...\] or both"):
        model.evaluate(*digits)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"y": None}, DataError, "^y: is missing; each row of x needs a target"),
        ({"y": np.zeros(3, int)}, ShapeError, "^y: wanted a target for each of the 203 rows"),
        ({"x": np.zeros((203, 63))}, ShapeError, "^x: wanted shape"),
        ({"batch_size": 0}, ConfigError, "^batch_size: wanted a whole number from 1"),
        ({"weight": -np.ones(203)}, DataError, "^weight: wanted numbers from 0"),
        ({"loss": "cross_entropy"}, mlpk.GraphError, "takes probabilities"),
    ],
)
def test_what_does_not_fit_is_refused(model, digits, change, error, sentence):
    x, y = digits
    with pytest.raises(error, match=sentence):
        model.evaluate(**{"x": x, "y": y, "loss": LOSS, **change})


def test_a_label_out_of_range_names_its_row(model, digits):
    x, y = digits[0], digits[1].copy()
    y[150] = 10
    with pytest.raises(DataError, match=r"^y: label 10 in row 150: wanted 0 to 9") as caught:
        model.evaluate(x, y, loss=LOSS)
    assert caught.value.row == 150


def test_nan_names_its_row(model, digits):
    x, y = digits[0].copy(), digits[1]
    x[150, 3] = np.nan
    with pytest.raises(DataError, match=r"^x: row 150 holds nan") as caught:
        model.evaluate(x, y, loss=LOSS, batch_size=64)
    assert caught.value.row == 150


def test_an_output_without_loss_or_metric_needs_no_target():
    x = mlpk.Input((2,), name="x")
    hidden = mlpk.layers.dense(units=2)(x, name="hidden")
    head = mlpk.layers.dense(units=1)(hidden, name="head")
    model = mlpk.Model(inputs=x, outputs=[hidden, head], seed=0)
    rows, y = np.ones((4, 2)), np.array([0.0, 1.0, 2.0, 3.0])
    found = model.evaluate(rows, {"head": y}, loss={"head": "mean_squared_error"})
    wanted = ((model.predict(rows)["head"][:, 0] - y) ** 2).mean()
    assert found == {
        "loss": pytest.approx(wanted, rel=1e-6),
        "head_loss": pytest.approx(wanted, rel=1e-6),
    }
    with pytest.raises(ConfigError, match=r"^y\['hidden'\]: there is no 'hidden'"):
        model.evaluate(
            rows, {"head": y, "hidden": np.zeros((4, 2))}, loss={"head": "mean_squared_error"}
        )

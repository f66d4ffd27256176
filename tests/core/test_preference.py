"""What is chosen takes effect on networks, losses and optimizers that exist already."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import Implementation, PluginError, ShapeError, catalog

Implementing = Callable[..., None]
X = np.array([[1.0, -2.0, 3.0]], np.float32)
Y = np.zeros((1, 3), np.float32)


def twice(layer: Any, arrays: Any, ctx: Any, x: Any) -> Any:
    """Compute 2 * relu(x), so that it shows who computed."""
    y, saved = layer.forward(arrays, ctx, x)
    return np.multiply(y, 2, out=ctx.empty("twice", y.shape)), saved


def back_twice(layer: Any, arrays: Any, ctx: Any, saved: Any, dy: Any, grads: Any) -> Any:
    return 2 * layer.backward(arrays, ctx, saved, dy, grads)


def loss_twice(loss: Any, ctx: Any, prediction: Any, target: Any, weight: Any) -> Any:
    value, saved = loss.forward(ctx, prediction, target, weight)
    return 2 * value, saved


def loss_back_twice(loss: Any, ctx: Any, saved: Any) -> Any:
    return 2 * loss.backward(ctx, saved)


RELU = Implementation("relu", forward=twice, backward=back_twice)
LOSS = Implementation("mean_squared_error", forward=loss_twice, backward=loss_back_twice)


@pytest.fixture
def swift(implementing: Implementing) -> None:
    """Have swift compute relu and the mean of squares twice as large as they are."""
    implementing("swift", RELU, LOSS)


def net() -> mlpk.Model:
    return mlpk.Model(["relu"], input_shape=(3,), seed=0)


@pytest.mark.usefixtures("swift")
def test_a_network_that_exists_takes_to_it_with_its_next_forward() -> None:
    model = net()
    assert model.predict(X).tolist() == [[2, 0, 6]]
    assert model.forward(X, training=True).tolist() == [[2, 0, 6]]
    mlpk.use("numpy")
    assert model.predict(X).tolist() == [[1, 0, 3]]
    assert model.forward(X, training=True).tolist() == [[1, 0, 3]]
    assert model.evaluate(X, Y, loss="mean_squared_error")["loss"] == pytest.approx(10 / 3)
    mlpk.use()
    assert model.predict(X).tolist() == [[2, 0, 6]]
    assert model.evaluate(X, Y, loss="mean_squared_error")["loss"] == pytest.approx(2 * 40 / 3)


def test_what_is_installed_later_takes_effect_at_once(implementing: Implementing) -> None:
    model = net()
    assert model.predict(X).tolist() == [[1, 0, 3]]
    implementing("swift", RELU)
    assert model.predict(X).tolist() == [[2, 0, 6]]


def test_it_is_asked_when_a_network_begins_and_not_in_every_step(
    implementing: Implementing,
) -> None:
    heard = []

    def serves(instance: Any, shapes: Any, dtype: Any) -> bool:
        heard.append((instance.kind, shapes, str(dtype)))
        return True

    def update(optimizer: Any, param: Any, grad: Any, slots: Any, step: Any) -> None:
        optimizer.update(param, grad, slots, step)

    implementing(
        "swift",
        Implementation("relu", forward=twice, backward=back_twice, serves=serves),
        Implementation(
            "mean_squared_error", forward=loss_twice, backward=loss_back_twice, serves=serves
        ),
        Implementation("sgd", update=update, serves=serves),
    )
    model = mlpk.Model([mlpk.layers.dense(units=5), "relu"], input_shape=(None, 3), seed=0)
    x, y = np.ones((8, 2, 3), np.float32), np.zeros((8, 2, 5), np.float32)
    model.fit(
        x, y, loss="mean_squared_error", optimizer="sgd", epochs=3, batch_size=2, progress=False
    )
    assert sorted(heard) == [
        ("mean_squared_error", ((None, 5),), "float32"),
        ("relu", ((None, 5),), "float32"),
        ("sgd", (), "float32"),
    ]
    heard.clear()
    for _ in range(3):
        model.predict(x)
    assert heard == [("relu", ((None, 5),), "float32")]


@pytest.mark.usefixtures("swift")
def test_the_way_back_is_that_of_the_forward_before_it() -> None:
    model = net()
    model.forward(X, training=True)
    mlpk.use("numpy")
    assert model.backward(np.ones_like(X), inputs=True).tolist() == [[2, 0, 2]]
    model.forward(X, training=True)
    mlpk.use("swift")
    assert model.backward(np.ones_like(X), inputs=True).tolist() == [[1, 0, 1]]


@pytest.mark.usefixtures("swift")
def test_a_loss_of_ones_own_loop_takes_to_it() -> None:
    loss = mlpk.losses.mean_squared_error()
    value, gradient = loss(X, Y)
    assert value == pytest.approx(2 * 14 / 3)
    assert gradient == pytest.approx(2 * 2 * X / 3)
    with mlpk.use("numpy"):
        value, gradient = loss(X, Y)
    assert value == pytest.approx(14 / 3)
    assert gradient == pytest.approx(2 * X / 3)


@pytest.mark.usefixtures("swift")
def test_a_context_ends_in_what_was_before() -> None:
    model = net()
    with mlpk.use("numpy"):
        assert catalog.current().preferred == ("numpy",)
        assert model.predict(X).tolist() == [[1, 0, 3]]
        with mlpk.use("swift"):
            assert model.predict(X).tolist() == [[2, 0, 6]]
        assert model.predict(X).tolist() == [[1, 0, 3]]
    assert catalog.current().preferred is None
    with pytest.raises(ZeroDivisionError), mlpk.use("numpy"):
        raise ZeroDivisionError
    assert model.predict(X).tolist() == [[2, 0, 6]]


@pytest.mark.usefixtures("swift")
def test_a_preference_outlasts_what_is_added_and_looked_for() -> None:
    with mlpk.use("numpy"):
        mlpk.plugins.add(mlpk.define(type("Mine", (mlpk.layers.relu,), {"kind": "mine"})))
        assert catalog.current().preferred == ("numpy",)
        mlpk.plugins.refresh()
        assert catalog.current().preferred == ("numpy",)


@pytest.mark.usefixtures("swift")
def test_an_unknown_name_leaves_everything_as_it_was() -> None:
    with pytest.raises(PluginError):
        mlpk.use("swfit")
    assert net().predict(X).tolist() == [[2, 0, 6]]


@pytest.mark.usefixtures("swift")
def test_it_holds_in_every_thread() -> None:
    found = []
    model = net()
    with mlpk.use("numpy"):
        thread = Thread(target=lambda: found.append(model.predict(X).tolist()))
        thread.start()
        thread.join()
    assert found == [[[1, 0, 3]]]


def test_the_kind_alone_is_implemented_and_none_that_derives_from_it(
    implementing: Implementing,
) -> None:
    class Derived(mlpk.layers.relu):  # type: ignore[misc,name-defined]
        kind = "derived"

    mlpk.plugins.add(mlpk.define(Derived))
    implementing("swift", RELU)
    model = mlpk.Model(["derived"], input_shape=(3,), seed=0)
    assert model.predict(X).tolist() == [[1, 0, 3]]


def broken(*_: Any) -> Any:
    raise ZeroDivisionError("at work")


BACKWARD = mlpk.layers.relu.backward


@pytest.mark.parametrize(
    ("implementation", "sentence"),
    [
        (
            Implementation("relu", forward=lambda _a, _b, _c, _d: broken(), backward=BACKWARD),
            "node 'relu' (relu, implemented by swift), forward: ZeroDivisionError: at work",
        ),
        (
            Implementation("relu", forward=mlpk.layers.relu.forward, backward=broken),
            "node 'relu' (relu, implemented by swift), backward: ZeroDivisionError: at work",
        ),
        (
            Implementation(
                "mean_squared_error",
                forward=broken,
                backward=mlpk.losses.mean_squared_error.backward,
            ),
            "loss (mean_squared_error, implemented by swift), forward: ZeroDivisionError: at work",
        ),
        (
            Implementation(
                "mean_squared_error",
                forward=mlpk.losses.mean_squared_error.forward,
                backward=broken,
            ),
            "loss (mean_squared_error, implemented by swift), backward: ZeroDivisionError: at work",
        ),
        (
            Implementation("sgd", update=broken),
            "the optimizer (sgd, implemented by swift): ZeroDivisionError: at work",
        ),
    ],
)
def test_an_accident_names_the_distribution_beside_the_place(
    implementing: Implementing, implementation: Implementation, sentence: str
) -> None:
    implementing("swift", implementation)
    model = mlpk.Model([mlpk.layers.dense(units=3), "relu"], input_shape=(3,), seed=0)
    with pytest.raises(PluginError) as caught:
        model.fit(X, Y, loss="mean_squared_error", optimizer="sgd", progress=False)
    assert str(caught.value) == sentence
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("implementation", "sentence"),
    [
        (
            Implementation(
                "relu", forward=lambda _a, _b, _c, x: (x[:, 1:], None), backward=BACKWARD
            ),
            r"node 'relu' \(relu, implemented by swift\), forward: declared was the shape",
        ),
        (
            Implementation("relu", forward=lambda _a, _b, _c, x: x, backward=BACKWARD),
            r"node 'relu' \(relu, implemented by swift\), forward: wanted \(output, saved\)",
        ),
    ],
)
def test_what_comes_out_is_looked_at_anew(
    implementing: Implementing, implementation: Implementation, sentence: str
) -> None:
    """A pass that has seen the right shapes from the layer looks again when another computes."""
    model = net()
    model.predict(X)
    implementing("swift", implementation)
    with pytest.raises(ShapeError, match=sentence):
        model.predict(X)
    mlpk.use("numpy")
    assert model.predict(X).tolist() == [[1, 0, 3]]


@pytest.mark.usefixtures("swift")
def test_a_preference_may_be_entered_again() -> None:
    model, plain = net(), mlpk.use("numpy")
    for _ in range(2):
        with plain:
            assert model.predict(X).tolist() == [[1, 0, 3]]
        assert model.predict(X).tolist() == [[2, 0, 6]]


@pytest.mark.usefixtures("swift")
def test_it_overrides_an_environment_that_names_what_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLPK_IMPLEMENTATION", "swft")
    with pytest.raises(PluginError, match="MLPK_IMPLEMENTATION names 'swft'"):
        net().predict(X)
    with mlpk.use("numpy"):
        assert net().predict(X).tolist() == [[1, 0, 3]]


def test_an_accident_in_serves_is_told_each_time(implementing: Implementing) -> None:
    model, loss = net(), mlpk.losses.mean_squared_error()
    updater = mlpk.optimizers.sgd().attach(mlpk.Model(["batch_norm"], input_shape=(3,), seed=0))
    failing: Any = {"serves": lambda *_: 1 / 0}
    sgd = Implementation("sgd", update=lambda *_: None, **failing)
    relu = Implementation("relu", forward=twice, backward=back_twice, **failing)
    implementing("swift", relu, sgd)
    for _ in range(2):
        for call in (lambda: model.forward(X), lambda: model.predict(X), updater.step):
            with pytest.raises(PluginError, match="by swift: ZeroDivisionError"):
                call()
    assert loss(X, X)[0] == 0

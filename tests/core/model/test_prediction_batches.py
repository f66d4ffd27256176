"""How many rows of a prediction go through the network together, and in how many threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Context, DataError, Declaration, Example, Layer, Model, define, prediction
from mlpk.arrays import Array, Arrays, Grads
from mlpk.declaration import Shape
from mlpk.passes import Pass

dense, lstm = mlpk.layers.dense, mlpk.layers.lstm
NUMBERS = prediction.HELD // 4  # of float32


@define
class Positive(Layer):
    """y = x, for numbers from 0."""

    kind: ClassVar[str] = "positive"

    def declare(self, x: Shape) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, None]:
        bad = np.argwhere(x < 0)
        if len(bad):
            row, column = map(int, bad[0])
            raise DataError(f"wanted numbers from 0, found {x[row, column]} in row {row}", row)
        return x, None

    def backward(self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads) -> Array:
        return dy

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (2,), draw=lambda rng, n: rng.uniform(1, 2, (n, 2)))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Return a list to which each forward adds its thread's name and how many rows it got."""
    found: list[tuple[str, int]] = []
    forward = Pass.forward

    def noting(self: Pass, inputs: Mapping[str, Array], **options: Any) -> dict[str, Array]:
        found.append((threading.current_thread().name, len(inputs["input"])))
        return forward(self, inputs, **options)

    monkeypatch.setattr(Pass, "forward", noting)
    return found


def rows_of(seen: list[tuple[str, int]]) -> list[int]:
    return [rows for _, rows in seen]


@pytest.mark.parametrize(
    ("layer", "shape", "numbers"),
    [
        (dense(units=5), (3,), 5),
        (dense(units=5), (7, 3), 7 * 5),
        ({"kind": "conv2d", "filters": 6, "kernel_size": 1}, (8, 9, 1), 8 * 9 * 6),
        (lstm(units=5), (7, 3), 7 * 4 * 5),  # the products of all steps, not its output of 5
        ("flatten", (7, 3), 21),
    ],
)
def test_so_many_go_together_as_the_cache_holds_of_what_a_layer_computes(
    layer: Any, shape: tuple[int, ...], numbers: int, seen: list[tuple[str, int]], monkeypatch: Any
) -> None:
    monkeypatch.setattr(prediction, "HELD", 10 * 4 * numbers + 3)
    model = Model([layer], input_shape=shape, seed=0)
    model.predict(np.ones((25, *shape), np.float32))
    assert rows_of(seen) == [10, 10, 5]
    seen.clear()
    model.predict(np.ones((25, *shape), np.float32), batch_size=9)
    assert rows_of(seen) == [9, 9, 7]


def test_a_row_that_the_cache_does_not_hold_goes_alone(seen: list[tuple[str, int]]) -> None:
    model = Model(["relu"], input_shape=(NUMBERS + 1,), seed=0)
    model.predict(np.ones((3, NUMBERS + 1), np.float32))
    assert rows_of(seen) == [1, 1, 1]


def test_of_rows_whose_length_is_unknown_256_go_together(seen: list[tuple[str, int]]) -> None:
    model = Model([dense(units=2)], input_shape=(None, 3), seed=0)
    model.predict(np.ones((300, 2, 3), np.float32))
    assert rows_of(seen) == [256, 44]


@pytest.mark.usefixtures("three_threads")
def test_threads_take_rows_of_their_own_where_two_of_them_take_long(
    seen: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = [dense(units=8), "relu", dense(units=4)]
    model = Model(layers, input_shape=(3,), seed=0, dtype="float64")
    x = np.random.default_rng(0).standard_normal((20, 3))
    wanted = model.predict(x)
    monkeypatch.setattr(prediction, "APART", 2 * (3 * 8 + 8 * 4))
    seen.clear()
    assert np.allclose(model.predict(x, batch_size=2), wanted, rtol=1e-12)
    assert sorted(rows_of(seen)) == [1, 1, *[2] * 9]  # of 6, 7 and 7 rows
    assert {name for name, _ in seen} == {threading.current_thread().name, "mlpk-worker"}
    seen.clear()
    assert np.allclose(model.predict(x, batch_size=1), wanted, rtol=1e-12)
    assert {name for name, _ in seen} == {threading.current_thread().name}


@pytest.mark.usefixtures("three_threads")
def test_threads_name_the_row_that_a_layer_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "APART", 0)
    model = Model([Positive()], input_shape=(2,), seed=0)
    x = np.ones((30, 2), np.float32)
    x[[17, 25], 1] = -1
    with pytest.raises(DataError, match=r"wanted numbers from 0, found -1\.0 in row 17$") as caught:
        model.predict(x, batch_size=4)
    assert caught.value.row == 17
    assert model.predict(np.ones((30, 2)), batch_size=4).shape == (30, 2)


@pytest.mark.usefixtures("three_threads")
def test_once_a_batch_fails_threads_leave_what_comes_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prediction, "APART", 0)
    main, done, failed = threading.current_thread(), [], threading.Event()
    forward = Pass.forward

    def slow(self: Pass, inputs: Mapping[str, Array], **options: Any) -> dict[str, Array]:
        done.append(len(inputs["input"]))
        if threading.current_thread() is main:
            failed.set()
            raise KeyboardInterrupt
        failed.wait()
        time.sleep(0.01)
        return forward(self, inputs, **options)

    monkeypatch.setattr(Pass, "forward", slow)
    model = Model(["relu"], input_shape=(2,), seed=0)
    with pytest.raises(KeyboardInterrupt):
        model.predict(np.ones((300, 2)), batch_size=1)
    assert len(done) < 100  # of 201 that would be left to do

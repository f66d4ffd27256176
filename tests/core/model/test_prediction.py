"""The output in evaluation mode, in batches, from any thread."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlpk
from mlpk import ConfigError, DataError, Model, ShapeError

Build = Callable[..., Model]
dense = mlpk.layers.dense
X = np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32)


@settings(deadline=None)
@given(st.integers(1, 25), st.integers(1, 20))
def test_batches_make_no_difference(two_layers: Build, batch_size: int, rows: int) -> None:
    model = two_layers()
    whole = model.predict(X[:rows])
    assert np.allclose(model.predict(X[:rows], batch_size=batch_size), whole, rtol=1e-12)
    assert whole.shape == (rows, 2)
    assert whole.dtype == np.float64


@pytest.mark.parametrize(
    ("x", "error", "sentence"),
    [
        ([[1.0, 2.0, 3.0]], DataError, "x: wanted an array, found a list"),
        (np.ones(3), ShapeError, "x: wanted shape (rows, 3), found (3,); put the one row"),
        (np.ones((2, 4)), ShapeError, "x: wanted shape (rows, 3), found (2, 4)"),
        (np.ones((2, 3, 1)), ShapeError, "x: wanted shape (rows, 3), found (2, 3, 1)"),
        (np.ones((0, 3)), DataError, "x: wanted at least one row, found none"),
        (np.array([[1, 2, None]]), DataError, "x: wanted real numbers, found dtype object"),
        (np.ones((2, 3), complex), DataError, "x: wanted real numbers, found dtype complex"),
        ("abc", DataError, "x: wanted an array, found the text 'abc'"),
        (None, DataError, "x: wanted real numbers, found dtype object, such as None"),
        (3, ShapeError, "x: wanted rows on the first axis, found a single number"),
    ],
)
def test_what_is_no_data_is_refused(
    two_layers: Build, x: Any, error: type[Exception], sentence: str
) -> None:
    for call in (two_layers().predict, two_layers().forward):
        with pytest.raises(error) as caught:
            call(x)
        assert str(caught.value).startswith(sentence)


def test_whole_numbers_become_the_model_s_floats(two_layers: Build) -> None:
    model, x = two_layers(dtype="float32"), np.arange(6).reshape(2, 3)
    wanted = model.predict(x.astype(np.float32))
    for dtype in ("uint8", "int64", "float64", "float16", ">f4"):
        found = model.predict(x.astype(dtype))
        assert found.dtype == np.float32
        assert np.array_equal(found, wanted)


def test_an_input_of_whole_numbers_takes_no_fractions() -> None:
    model = Model(["identity"], input_shape=(3,), input_dtype="int64")
    with pytest.raises(DataError, match="the input 'input' wants dtype int64, found float32"):
        model.predict(X)


@pytest.mark.parametrize("batch_size", [0, -1, True, 2.0, "2", None])
def test_a_batch_is_a_whole_number_of_rows(two_layers: Build, batch_size: Any) -> None:
    with pytest.raises(ConfigError, match=r"^batch_size: wanted a whole number from 1, found"):
        two_layers().predict(X, batch_size=batch_size)
    with pytest.raises(ConfigError, match=r"^batch_size: wanted a whole number from 1, found"):
        two_layers().evaluate(X, X, loss="mean_squared_error", batch_size=batch_size)


def test_a_length_that_varies_is_taken_as_it_comes() -> None:
    model = Model([dense(units=2)], input_shape=(None, 3), seed=0)
    for length in (4, 1, 6):
        assert model.predict(np.ones((2, length, 3))).shape == (2, length, 2)


def test_the_memory_of_one_call_serves_the_next(two_layers: Build) -> None:
    model = two_layers()
    for _ in range(3):
        model.predict(X)
    assert len(model._prediction._idle) == 1


def test_threads_do_not_meet(mixed: Build) -> None:
    model = mixed()
    model.forward(X, training=True)
    inputs = [np.random.default_rng(i).random((64, 3), np.float32) for i in range(8)]
    wanted = [model.predict(x) for x in inputs]
    faults: list[Any] = []
    start = threading.Barrier(len(inputs))

    def work(x: Any, want: Any) -> None:
        start.wait()
        for size in (64, 7, 13) * 5:
            found = model.predict(x, batch_size=size)
            if not np.allclose(found, want, rtol=1e-4, atol=1e-6):
                faults.append(found)

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(inputs, wanted, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_a_call_that_fails_spoils_nothing() -> None:
    model = Model([dense(units=2)], input_shape=(None, 3), seed=0)
    wanted = model.predict(np.ones((2, 4, 3)))
    with pytest.raises(ShapeError):
        model.predict(np.ones((2, 3, 4)))
    assert np.array_equal(model.predict(np.ones((2, 4, 3))), wanted)


def test_data_are_let_go_of(mixed: Build) -> None:
    model, x = mixed(), np.ones((4, 3), np.float32)
    seen = weakref.ref(x)
    model.predict(x)
    del x
    gc.collect()
    assert seen() is None


def test_it_changes_no_state(mixed: Build) -> None:
    model = mixed()
    before = mlpk.dumps(model)
    model.predict(X)
    assert mlpk.dumps(model) == before

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Buffer, Declaration, Initializer, Layer, Param, ShapeError, define
from mlpk.storage import Storage
from mlpk.streams import stream


@define
class Wide(Initializer):
    """Draws values of a wrong shape."""

    kind: ClassVar[str] = "wide"

    def draw(self, rng: Any, shape: Any, fans: Any) -> Any:
        return np.ones((*shape, 2))


class Holder(Layer):
    """A layer that is all arrays, for networks that never run."""

    def forward(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def backward(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def examples(cls) -> Any:
        return iter(())


@define
class Mixed(Holder):
    """Params that decay and that don't, in turns, and buffers."""

    kind: ClassVar[str] = "mixed"

    def declare(self, x: Any) -> Declaration:
        return Declaration(
            x,
            {
                "a": Param((2, 3), "ones"),
                "b": Param((4,), "zeros", decay=False),
                "c": Param((), {"kind": "constant", "value": 5}),
                "d": Param((0, 2), "zeros", decay=False),
            },
            {"seen": Buffer((2,), 0.5), "count": Buffer((), 7, "int64")},
        )


@define
class Odd(Holder):
    """A param whose initializer draws a wrong shape."""

    kind: ClassVar[str] = "odd"

    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"a": Param((3,), Wide())})


def model(*layers: Any, **options: Any) -> mlpk.Model:
    return mlpk.Model(layers, **{"input_shape": (3,), "seed": 0, **options})


def test_parameters_lie_in_one_vector_the_decaying_ones_first() -> None:
    mixed = model(Mixed(), Mixed())
    arena = mixed.storage.arena
    assert arena is not None
    assert arena.flat.size == 2 * (6 + 4 + 1)
    assert list(arena.spans) == [
        "mixed/a", "mixed/c", "mixed_1/a", "mixed_1/c",
        "mixed/b", "mixed/d", "mixed_1/b", "mixed_1/d",
    ]  # fmt: skip
    decaying = [name for name, param in mixed.graph.params.items() if param.decay]
    assert arena.runs(decaying) == [(0, 14)]
    assert arena.runs(set(arena.spans) - set(decaying)) == [(14, 22)]
    for name, view in mixed.params.items():
        assert np.shares_memory(view, arena.flat) or view.size == 0
        start, stop = arena.spans[name]
        assert np.array_equal(arena.flat[start:stop], view.ravel())
    assert list(mixed.params)[:4] == ["mixed/a", "mixed/b", "mixed/c", "mixed/d"]


def test_a_network_writes_through_its_views() -> None:
    dense = model(mlpk.layers.dense(units=2))
    arena = dense.storage.arena
    assert arena is not None
    arena.flat[:] = np.arange(8)
    assert dense.params["dense/weight"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert dense.params["dense/bias"].tolist() == [6, 7]
    assert dense.predict(np.ones((1, 3))).tolist() == [[0 + 2 + 4 + 6, 1 + 3 + 5 + 7]]


def test_gradients_are_laid_out_alike_and_come_when_asked_for() -> None:
    dense = model(mlpk.layers.dense(units=2))
    storage = dense.storage
    assert storage._grads is None
    dense.predict(np.ones((1, 3)))
    assert storage._grads is None
    assert storage.grads is storage.grads
    assert storage.grads is not None
    assert storage.arena is not None
    assert storage.grads.spans == storage.arena.spans
    assert not storage.grads.flat.any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_first_values_are_as_declared(dtype: str) -> None:
    mixed = model(Mixed(), dtype=dtype)
    assert mixed.params["mixed/a"].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert mixed.params["mixed/c"] == 5
    assert {array.dtype.name for array in mixed.params.values()} == {dtype}
    assert mixed.buffers["mixed/seen"].tolist() == [0.5, 0.5]
    assert mixed.buffers["mixed/seen"].dtype == dtype
    assert mixed.buffers["mixed/count"].dtype == np.int64
    assert mixed.buffers["mixed/count"] == 7


def test_a_parameter_is_drawn_from_a_stream_of_its_own() -> None:
    limit = np.sqrt(6 / (3 + 2))
    wanted = stream(4, "init/dense_1/weight").uniform(-limit, limit, (3, 2))
    found = model(mlpk.layers.dense(units=3), mlpk.layers.dense(units=2), dtype="float64", seed=4)
    assert np.array_equal(found.params["dense_1/weight"], wanted)
    fewer = model(mlpk.layers.relu(), mlpk.layers.dense(units=2).named("dense_1"), seed=4)
    assert np.array_equal(fewer.params["dense_1/weight"], wanted.astype("float32"))


def test_one_seed_is_one_network_in_every_dtype() -> None:
    layers = ["batch_norm", mlpk.layers.dense(units=50), mlpk.layers.dense(units=2)]
    double = model(*layers, dtype="float64", seed=3)
    single = model(*layers, dtype="float32", seed=3)
    for name, array in double.params.items():
        assert np.array_equal(single.params[name], array.astype("float32"))
    other = model(*layers, dtype="float64", seed=4)
    assert not np.array_equal(other.params["dense/weight"], double.params["dense/weight"])


def test_an_initializer_that_draws_another_shape_is_refused() -> None:
    with pytest.raises(
        ShapeError, match=r"^odd/a: wanted first values of shape \(3,\), found \(3, 2\)"
    ):
        model(Odd())


def test_a_network_without_parameters_has_an_empty_vector() -> None:
    relu = model("relu")
    assert relu.storage.arena is not None
    assert relu.storage.arena.flat.shape == (0,)
    assert len(relu.params) == len(relu.grads) == len(relu.buffers) == 0


def test_arrays_that_lie_elsewhere_have_no_gradients() -> None:
    storage = Storage({"a/b": np.zeros(2)}, {}, None)
    assert storage.grads is None


@define
class Remembers(Holder):
    """A buffer, filled with what the field says."""

    kind: ClassVar[str] = "remembers"

    fill: float = 0.0
    dtype: str | None = None
    length: int = 2

    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {}, {"b": Buffer((self.length,), self.fill, self.dtype)})


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"fill": 1e39}, r"of shape \(2,\), float32, full of 1e\+39, but: overflow"),
        ({"fill": 1e39, "dtype": "int64"}, r"of shape \(2,\), int64, full of 1e\+39, but: invalid"),
        ({"length": 2**45}, r"of shape \(35184372088832,\), float32, full of 0.0, but: Unable to"),
    ],
)
def test_a_buffer_that_cannot_be_filled_is_named(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ShapeError, match=f"^remembers/b: wanted an array {says}"):
        model(Remembers(**fields))

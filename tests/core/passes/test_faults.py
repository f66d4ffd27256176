"""What a layer does wrong, or by accident, is told with its node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from mlpk import Context, Declaration, Example, Layer, Model, Param, PluginError, ShapeError, define
from mlpk.arrays import Array, Arrays, Grads


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            "forgets what is saved",
            r"node 'x' \(bad\), forward: wanted \(output, saved\), found",
        ),
        (
            "gives another shape",
            r"forward: declared was the shape \(rows, \*\(3,\)\), found \(2, 7\)",
        ),
    ],
)
def test_what_forward_returns_is_looked_at(bad, fault: str, sentence: str) -> None:
    model = Model([bad(fault=fault).named("x")], input_shape=(3,), dtype="float64")
    with pytest.raises(ShapeError, match=sentence):
        model.predict(np.zeros((2, 3)))


def test_what_was_passed_in_cannot_be_written_to(bad) -> None:
    given = np.ones((2, 3))
    model = Model([bad(fault="writes its input")], input_shape=(3,), dtype="float64")
    for call in (model.predict, model.forward):
        with pytest.raises(PluginError, match=r"^node 'bad' \(bad\), forward: .* read-only"):
            call(given)
    assert given.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_a_shape_that_shows_only_with_data_is_told_with_its_node() -> None:
    model = Model(
        ["relu", {"kind": "conv1d", "filters": 2, "kernel_size": 4}], input_shape=(None, 3)
    )
    with pytest.raises(ShapeError, match=r"^node 'conv1d' \(conv1d\): wanted a window no larger"):
        model.predict(np.ones((2, 3, 3)))


def test_more_memory_than_there_is_is_told_with_its_node() -> None:
    model = Model([{"kind": "repeat", "times": 10**14}], input_shape=(4,))
    with pytest.raises(ShapeError, match=r"^node 'repeat' .* takes .* GiB, more memory than there"):
        model.predict(np.ones((2, 4)))


@define
class Stumbles(Layer):
    """y = x, going wrong by accident, or on purpose, on one of its ways."""

    kind: ClassVar[str] = "stumbles"
    errors: ClassVar[dict[str, Exception]] = {
        "index": IndexError("list index out of range"),
        "shape": ShapeError("wanted something else"),
        "memory": MemoryError("too much"),
    }

    way: str = "forward"
    error: str = "index"

    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"w": Param((1,), "ones")})

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> tuple[Array, Array]:
        if self.way == "forward":
            raise self.errors[self.error]
        return x.copy(), x

    def backward(
        self, arrays: Arrays, ctx: Context, x: Array, dy: Array, grads: Grads
    ) -> Array | None:
        raise self.errors[self.error]

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return iter(())


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_whatever_goes_wrong_in_a_layer_is_told_with_its_node(way: str) -> None:
    def there_and_back(error: str) -> None:
        model = Model(["relu", Stumbles(way=way, error=error).named("mine")], input_shape=(3,))
        model.backward(model.forward(np.ones((2, 3)), training=True))

    Stumbles.errors["memory"] = MemoryError("too much")
    sentence = f"node 'mine' (stumbles), {way}: IndexError: list index out of range"
    with pytest.raises(PluginError, match=f"^{re.escape(sentence)}$") as caught:
        there_and_back("index")
    assert caught.value.__cause__ is Stumbles.errors["index"]
    with pytest.raises(MemoryError, match=re.escape(f"in node 'mine' (stumbles), {way}.")):
        there_and_back("memory")
    with pytest.raises(ShapeError, match=r"^node 'mine' \(stumbles\): wanted something else$"):
        there_and_back("shape")


@define
class Wavers(Layer):
    """y = x, until it is told to return something else than (output, saved)."""

    kind: ClassVar[str] = "wavers"
    returns: ClassVar[list[Any]] = []

    def declare(self, x: Any) -> Declaration:
        return Declaration(x)

    def forward(self, arrays: Arrays, ctx: Context, x: Array) -> Any:
        return self.returns.pop() if self.returns else (x, None)

    def backward(
        self, arrays: Arrays, ctx: Context, saved: None, dy: Array, grads: Grads
    ) -> Array | None:
        return dy

    @classmethod
    def examples(cls) -> Iterator[Example]:
        return iter(())


def test_what_is_no_output_later_on_is_told_with_its_node_too() -> None:
    model, x = Model([Wavers().named("mine")], input_shape=(3,)), np.ones((2, 3), np.float32)
    run = model.new_pass()
    run.forward({"input": x}, training=True)
    Wavers.returns.append((x, None, None))
    with pytest.raises(PluginError, match=r"^node 'mine' \(wavers\), forward: .* unpack"):
        run.forward({"input": x}, training=True)

"""Random rows that the layers of a network take."""

from __future__ import annotations

import numpy as np
import pytest

import mlpk
from mlpk import DataError, Declaration, Example, Input, Layer, Model, define
from mlpk_plugins.commands.parts.drawn_rows import drawn_rows

layers = mlpk.layers


def drawn(model: Model, rows: int = 400) -> np.ndarray:
    (found,) = drawn_rows(model.graph, rows, 0).values()
    return found


def test_real_inputs_are_normal_numbers() -> None:
    found = drawn(Model(["tanh"], input_shape=(None, 2)))
    assert found.shape == (400, 32, 2)
    assert found.dtype == np.float32
    assert abs(found.mean()) < 0.03
    assert abs(found.std() - 1) < 0.03


@pytest.mark.parametrize("between", [[], ["flatten", {"kind": "reshape", "shape": (6, 1)}]])
def test_whole_numbers_are_all_those_that_the_layers_take(between: list) -> None:
    nodes = [*between, layers.embedding(entries=7, units=2)]
    found = drawn(Model(nodes, input_shape=(2, 3), input_dtype="int32"))
    assert found.dtype == np.int32
    assert np.unique(found).tolist() == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("dtype", "most"), [("int64", 999), ("uint8", 255), ("int8", 127)])
def test_without_a_bound_the_dtype_and_a_thousand_are_one(dtype: str, most: int) -> None:
    nodes = [layers.embedding(entries=5000, units=1)]
    found = drawn(Model(nodes, input_shape=(200,), input_dtype=dtype))
    assert (found.min(), found.max()) == (0, most)


def test_a_bound_holds_for_all_layers_that_an_input_feeds() -> None:
    x = Input((3,), dtype="int64")
    outputs = [layers.embedding(entries=n, units=2)(x) for n in (9, 4)]
    assert drawn(Model(inputs=x, outputs=outputs)).max() == 3


@define
class Chosen(Layer):
    """y = x[0] where the mask is true, else 0; it refuses a mask's partner of whole numbers at 0."""

    kind = "chosen"
    takes = ("bool", "integers")

    def declare(self, mask, x):
        return Declaration(x)

    def check(self, mask, x):
        if x is not None and (x == 0).any():
            raise DataError("wanted numbers from 1", 0)

    def forward(self, arrays, ctx, mask, x):
        return np.where(mask, x, 0).astype(ctx.dtype), None

    def backward(self, arrays, ctx, saved, dy, grads):
        return None, None

    @classmethod
    def examples(cls):
        yield Example(cls(), (3,), (3,))


def test_masks_are_both_and_what_refuses_0_wants_a_file() -> None:
    mask, x = Input((3,), dtype="bool", name="mask"), Input((3,), dtype="int64", name="x")
    lone = Input((3,), dtype="bool", name="lone")
    free = Model(inputs=lone, outputs=layers.flatten()(lone))
    found = drawn(free)
    assert found.dtype == bool
    assert abs(found.mean() - 0.5) < 0.05
    with pytest.raises(DataError, match=r"the input 'x' does not take 0, .*; give rows, --input"):
        drawn_rows(Model(inputs=[mask, x], outputs=Chosen()(mask, x)).graph, 2, 0)

"""First values on their way into a network: whatever goes wrong names the array."""

from __future__ import annotations

import traceback
from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, Initializer, Model, Param, ShapeError, define
from mlpk.initializer import draw_into

initializers = mlpk.initializers
dense = mlpk.layers.dense


@define
class Given(Initializer):
    """Gives whatever stands under its number."""

    kind: ClassVar[str] = "given"
    things: ClassVar[list[Any]] = [
        [[1.0, 2.0], [3.0, 4.0]],
        np.full((2, 2), "text"),
        np.array([[1.0, np.nan], [0.0, 0.0]]),
        np.ones((2, 2), np.int64),
    ]

    number: int = 0

    def draw(self, rng: Any, shape: Any, fans: Any) -> Any:
        return self.things[self.number]


@define
class Greedy(Initializer):
    kind: ClassVar[str] = "greedy"

    def draw(self, rng: Any, shape: Any, fans: Any) -> Any:
        raise MemoryError


@define
class Broken(Initializer):
    kind: ClassVar[str] = "broken"

    def draw(self, rng: Any, shape: Any, fans: Any) -> Any:
        return {}["nothing"]


def into(init: Any, dtype: str = "float32") -> np.ndarray:
    array = np.zeros((2, 2), dtype)
    draw_into(array, Param((2, 2), init), "node/w", 0)
    return array


def test_values_are_drawn_from_a_stream_of_the_array_s_own() -> None:
    assert into(Given()).tolist() == [[1, 2], [3, 4]]
    assert into(Given(3)).tolist() == [[1, 1], [1, 1]]
    assert np.array_equal(into("normal"), into("normal", "float64").astype(np.float32))
    other = np.zeros((2, 2), np.float32)
    draw_into(other, Param((2, 2), "normal"), "other/w", 0)
    assert (other != into("normal")).all()


@pytest.mark.parametrize(
    ("init", "dtype", "says"),
    [
        (
            initializers.constant(value=1e39),
            "float32",
            r"Constant\(value=1e\+39\) .* gives 1e\+39; float32",
        ),
        (
            initializers.constant(value=-1e39),
            "float32",
            r"\('constant'\) gives -1e\+39; float32 holds",
        ),
        (
            initializers.normal(std=1e39),
            "float32",
            r"\('normal'\) gives -?\d\S*e\+3\d; float32 holds",
        ),
        (
            initializers.orthogonal(gain=1e39),
            "float32",
            r"\('orthogonal'\) gives .* up to 3.4e\+38$",
        ),
        (
            initializers.uniform(limit=1e308),
            "float64",
            r"\('uniform'\) gives an overflow .* 1.8e\+308$",
        ),
        (Given(2), "float64", r"\('given'\) gives nan; float64"),
    ],
)
def test_values_beyond_the_dtype_are_one_clear_error(init: Any, dtype: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        Model([dense(units=2, init=init)], input_shape=(2,), dtype=dtype, seed=0)
    assert caught.value.where == "dense/weight, init"


def test_what_the_wider_dtype_holds_is_no_error() -> None:
    assert into(initializers.constant(value=1e39), "float64").tolist() == [[1e39] * 2] * 2


@pytest.mark.parametrize(
    ("init", "says"),
    [
        ("gate_constant", r"^gate: 'gate_constant' wanted a last axis that 2 gates divide, found"),
        ("orthogonal", r"^gate: 'orthogonal' wanted an array of two axes or more, found shape"),
    ],
)
def test_a_shape_without_values_names_the_array(init: str, says: str) -> None:
    given = initializers.gate_constant(values=(0.0, 1.0)) if init == "gate_constant" else init
    with pytest.raises(ShapeError, match=says) as caught:
        draw_into(np.zeros(3), Param((3,), given), "gate", 0)
    assert caught.value.where == "gate"


def test_errors_that_are_others_come_with_the_array() -> None:
    with pytest.raises(ConfigError, match=r"^node/w, init: there is no 'nope' among the init"):
        into("nope")
    with pytest.raises(ConfigError, match=r"^node/w, init: wanted numbers from 'given', found an"):
        into(Given(1))
    with pytest.raises(ShapeError, match=r"^node/w: 'greedy' draws .* \(2, 2\) as float64, which"):
        into(Greedy())
    with pytest.raises(KeyError) as caught:
        into(Broken())
    assert "'broken' was asked for the first values of node/w." in caught.value.__notes__
    assert "first values of node/w" in "".join(traceback.format_exception(caught.value))

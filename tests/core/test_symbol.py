from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, Declaration, GraphError, Input, Layer, ShapeError, define
from mlpk.symbol import Placed, Symbol


@define
class Fussy(Layer):
    """Takes two inputs, and fails in ways of its own."""

    kind: ClassVar[str] = "fussy"

    fault: str = ""

    def declare(self, query: Any, key: Any) -> Declaration:
        if self.fault == "type":
            raise TypeError("positional argument expected, so it says")
        if self.fault == "shape":
            raise ShapeError("wanted even lengths, found odd ones", "somewhere")
        return Declaration((*query, *key))

    def forward(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def backward(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def examples(cls) -> Any:
        return iter(())


def test_a_layer_on_symbols_is_a_symbol_with_its_shape() -> None:
    image = Input((32, None, 3))
    assert image.shape == (32, None, 3)
    narrow = mlpk.layers.dense(units=16)(image, name="narrow")
    assert isinstance(narrow, Symbol)
    assert narrow.shape == (32, None, 16)
    assert repr(narrow) == "<narrow: (32, None, 16)>"
    assert repr(mlpk.layers.relu()(narrow)) == "<relu: (32, None, 16)>"
    assert repr(image) == "<input: (32, None, 3)>"


def test_using_a_layer_twice_makes_two_symbols() -> None:
    x, dense = Input((3,)), mlpk.layers.dense(units=2)
    assert dense(x) != dense(x)
    assert len({dense(x), dense(x)}) == 2


def test_shapes_are_checked_where_they_are_written() -> None:
    x = Input((3,))
    with pytest.raises(ShapeError, match=r"^add: wanted inputs of one shape"):
        mlpk.layers.add()(x, Input((4,)))
    with pytest.raises(ShapeError, match=r"^merge: wanted inputs of one shape"):
        mlpk.layers.add()(x, Input((4,)), name="merge")
    with pytest.raises(ShapeError, match=r"^head: wanted even lengths, found odd ones$"):
        Fussy(fault="shape")(x, x, name="head")


def test_an_unknown_length_passes_until_a_layer_needs_it() -> None:
    x = Input((None, 3))
    assert mlpk.layers.dense(units=2)(x).shape == (None, 2)
    with pytest.raises(ShapeError, match=r"^flatten: .*None"):
        mlpk.layers.flatten()(x)
    with pytest.raises(ShapeError, match=r"^dense: wanted a known length"):
        mlpk.layers.dense(units=2)(Input((3, None)))


def test_a_wrong_number_of_inputs_is_told_in_the_layer_s_words() -> None:
    x = Input((3,))
    with pytest.raises(GraphError) as caught:
        mlpk.layers.dense(units=2)(x, x, name="head")
    assert str(caught.value) == "head: dense takes the inputs (x), found 2"
    with pytest.raises(
        GraphError, match=r"^fussy: fussy takes the inputs \(query, key\), found 1$"
    ):
        Fussy()(x)
    with pytest.raises(GraphError, match=r"^dense: wanted at least one input, found none$"):
        mlpk.layers.dense(units=2)()


def test_a_fault_inside_declare_is_not_taken_for_a_wrong_number() -> None:
    x = Input((3,))
    with pytest.raises(TypeError, match="so it says"):
        Fussy(fault="type")(x, x)


@pytest.mark.parametrize("given", [np.zeros((2, 3)), "dense", None, mlpk.layers.dense(units=2)])
def test_a_layer_is_called_with_symbols_alone(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"^dense: a layer is called with symbols"):
        mlpk.layers.dense(units=2)(given)


@pytest.mark.parametrize("listed", [list, tuple])
def test_several_inputs_come_one_by_one(listed: Any) -> None:
    a, b, add = Input((3,)), Input((3,)), mlpk.layers.add()
    with pytest.raises(
        ConfigError, match=r"^add: give several inputs one by one, add\(...\)\(a, b\)"
    ):
        add(listed([a, b]))
    assert add(a, b).shape == (3,)


def test_arrays_are_shared_with_symbols_alone() -> None:
    layer: Any = mlpk.layers.dense(units=2)
    with pytest.raises(ConfigError, match=r"^dense: a layer is called with symbols"):
        layer(Input((3,)), share=layer)


def test_an_input_has_nothing_to_share() -> None:
    x = Input((3,))
    with pytest.raises(GraphError, match="an input has no arrays to share"):
        mlpk.layers.dense(units=2)(x, share=x)


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"shape": 3}, "Input.shape"),
        ({"shape": "3"}, "Input.shape"),
        ({"shape": (0,)}, "Input.shape"),
        ({"shape": (-1,)}, "Input.shape"),
        ({"shape": (2.0,)}, "Input.shape[0]"),
        ({"shape": (True,)}, "Input.shape[0]"),
        ({"shape": (3,), "dtype": "int"}, "Input.dtype"),
        ({"shape": (3,), "dtype": np.complex64}, "Input.dtype"),
        ({"shape": (3,), "dtype": dict}, "Input.dtype"),
        ({"shape": (3,), "name": "a/b"}, "Input.name"),
        ({"shape": (3,), "name": 3}, "Input.name"),
        ({"shape": (3,), "name": ""}, "Input.name"),
        ({"shape": (3,), "dtype": ""}, "Input.dtype"),
    ],
)
def test_an_input_is_checked(arguments: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Input(**arguments)
    assert caught.value.where == where


def test_a_shape_may_be_a_list_and_empty() -> None:
    assert Input([2, None]).shape == (2, None)  # type: ignore[arg-type] # a list serves for a tuple
    assert Input(()).shape == ()


def test_a_name_belongs_to_the_node() -> None:
    dense = mlpk.layers.dense(units=2)
    placed = dense.named("head")
    assert isinstance(placed, Placed)
    assert (placed.layer, placed.name) == (dense, "head")
    assert dense == mlpk.layers.dense(units=2)


@define
class Declares(Layer):
    """Declares what its field says, or raises it."""

    kind: ClassVar[str] = "declares"
    answers: ClassVar[dict[str, Any]] = {
        "shape": (3,),
        "config": ConfigError("groups", "wanted a divisor of 3, found 2"),
        "fault": IndexError("tuple index out of range"),
    }

    answer: str

    def declare(self, x: Any) -> Any:
        answer = self.answers[self.answer]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def forward(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def backward(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def examples(cls) -> Any:
        return iter(())


def test_whatever_goes_wrong_in_a_declaration_names_the_node() -> None:
    x = Input((3,))
    with pytest.raises(ConfigError, match=r"^mine: declares.declare must return a mlpk.Declar"):
        Declares("shape")(x, name="mine")
    with pytest.raises(ConfigError, match=r"^mine, groups: wanted a divisor of 3, found 2$"):
        Declares("config")(x, name="mine")
    with pytest.raises(IndexError, match=r"^tuple index out of range") as caught:
        Declares("fault")(x, name="mine")
    assert caught.value.__notes__ == ["The layer declares of mine was asked to declare itself."]


def test_a_layer_gives_32_axes_at_most() -> None:
    most = mlpk.layers.reshape(shape=(1,) * 32)(Input((1,)))
    assert len(most.shape) == 32
    with pytest.raises(ShapeError, match=r"^mine: wanted at most 32 axes, found 33$"):
        mlpk.layers.reshape(shape=(1,) * 33)(Input((1,)), name="mine")

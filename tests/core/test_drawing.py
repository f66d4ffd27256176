from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, GraphError, Input, MlpkError, Model, ShapeError, UnknownKindError

dense = mlpk.layers.dense
relu = mlpk.layers.relu
add = mlpk.layers.add


def listed(*layers: Any, **options: Any) -> Model:
    return Model(layers, **{"input_shape": (3,), "seed": 0, **options})


class TestLists:
    """A list of layers is the graph in which each feeds the next."""

    def test_three_spellings_mean_one_network(self) -> None:
        one = listed(dense(units=4), mlpk.layers.relu(), mlpk.layers["dropout"](rate=0.2))
        two = listed({"kind": "dense", "units": 4}, "relu", {"kind": "dropout", "rate": 0.2})
        x = Input((3,))
        three = Model(inputs=x, outputs=mlpk.layers.dropout(rate=0.2)(relu()(dense(units=4)(x))))
        assert one.spec == two.spec == three.spec
        assert [node.inputs for node in one.spec.nodes] == [("input",), ("dense",), ("relu",)]

    def test_nodes_are_called_after_their_kind_with_a_number(self) -> None:
        names = list(listed(dense(units=1), "relu", dense(units=1), "relu", "relu").graph.nodes)
        assert names == ["dense", "relu", "dense_1", "relu_1", "relu_2"]

    def test_a_name_is_given_in_a_mapping_or_beside_the_layer(self) -> None:
        layers = [{"kind": "dense", "units": 1, "name": "head"}, dense(units=1).named("tail")]
        model = listed(*layers)
        assert list(model.graph.nodes) == ["head", "tail"]
        assert list(model.params) == ["head/weight", "head/bias", "tail/weight", "tail/bias"]
        assert "name" not in model.spec.nodes[0].config

    def test_names_that_were_given_are_kept_clear_of(self) -> None:
        model = listed(dense(units=1), dense(units=1), dense(units=1).named("dense"), "relu")
        assert list(model.graph.nodes) == ["dense_1", "dense_2", "dense", "relu"]
        assert list(listed(relu().named("input")).graph.inputs) == ["input_1"]

    def test_an_unknown_kind_is_told_with_its_place(self) -> None:
        for unknown in ("dens", {"kind": "dens", "units": 2, "name": "head"}):
            with pytest.raises(
                UnknownKindError, match=r"^layers\[1\]: there is no 'dens' among the layers"
            ) as caught:
                listed("relu", unknown)
            assert (caught.value.family, caught.value.name) == ("layers", "dens")

    def test_a_generator_of_layers_is_a_list_too(self) -> None:
        model = Model((dense(units=n) for n in (4, 2)), input_shape=[3])
        assert model.graph.nodes["dense_1"].shape == (2,)

    @pytest.mark.parametrize(
        ("layers", "sentence"),
        [
            ([], "a network needs at least one layer, found none"),
            ("dense", "layers: wanted a list of layers, found 'dense' (str)"),
            ({"kind": "relu"}, "layers: wanted a list of layers, found {'kind': 'relu'} (dict)"),
            (relu(), "layers: wanted a list of layers, found ReLU() (ReLU)"),
            (5, "layers: wanted a list of layers, found 5 (int)"),
            (["relu", 5], "layers[1]: wanted one of the layers: an instance, a name or"),
            (["relu", None], "layers[1]: wanted one of the layers"),
            ([dense], "layers[0]: found the class Dense; call it to make an instance: dense(...)"),
            (
                ["relu", "dense"],
                "layers[1]: 'dense' wants units: write mlpk.layers.dense(units=...) or",
            ),
            ([{"kind": "dense", "units": 0}], "layers[0].units: must be >= 1: 0"),
            ([Input((3,))], "layers[0]: a list holds layers; for a graph use Model(inputs="),
            (["rel"], "layers[0]: there is no 'rel' among the layers. Did you mean 'relu'?"),
            (["relu", add()], "layers[1] (add): wanted two or more inputs, found 1"),
            (
                [dense(units=1), "flatten", {"kind": "reshape", "shape": [2]}],
                "layers[2] (reshape):",
            ),
            ([relu().named("a b")], "name: wanted letters, digits and _ . -, found 'a b' (str)"),
            ([relu().named("")], "name: wanted letters, digits"),
            ([{"kind": "relu", "name": 3}], "name: wanted letters, digits"),
            ([relu().named("a"), relu().named("a")], "two nodes or inputs are called 'a'; give"),
        ],
    )
    def test_what_is_no_network_is_told_where(self, layers: Any, sentence: str) -> None:
        with pytest.raises(MlpkError) as caught:
            Model(layers, input_shape=(3,))
        assert str(caught.value).startswith(sentence)

    @pytest.mark.parametrize(
        ("options", "where"),
        [
            ({"input_shape": 3}, "input_shape"),
            ({"input_shape": (0,)}, "input_shape"),
            ({"input_shape": (2.5,)}, "input_shape[0]"),
            ({"input_dtype": "int"}, "input_dtype"),
            ({"input_shape": None}, "input_shape"),
            ({"dtype": "float16"}, "dtype"),
            ({"dtype": "int32"}, "dtype"),
            ({"dtype": None}, "dtype"),
            ({"dtype": "real"}, "dtype"),
        ],
    )
    def test_what_it_is_built_on_is_checked(self, options: dict[str, Any], where: str) -> None:
        with pytest.raises(ConfigError) as caught:
            listed("relu", **options)
        assert caught.value.where == where

    def test_the_input_s_dtype_may_differ(self) -> None:
        assert listed("identity", input_dtype="int64").spec.inputs[0].dtype == "int64"
        assert listed("identity", input_dtype=np.bool_).spec.inputs[0].dtype == "bool"
        assert listed("relu", dtype=np.float64).spec.inputs[0].dtype == "float64"


class TestSymbols:
    """A graph drawn with symbols."""

    def test_nodes_come_in_the_order_that_feeds_them(self) -> None:
        x = Input((3,))
        a, b = dense(units=3)(x), dense(units=3)(x)
        model = Model(inputs=x, outputs=add()(b, a))
        assert [(n.name, n.inputs) for n in model.graph.nodes.values()] == [
            ("dense", ("input",)),
            ("dense_1", ("input",)),
            ("add", ("dense", "dense_1")),
        ]

    def test_several_inputs_and_outputs_keep_the_order_they_are_given_in(self) -> None:
        a, b = Input((3,), name="a"), Input((2,), name="b")
        left, right = dense(units=1)(a), dense(units=1)(b)
        model = Model(inputs=[b, a], outputs=[right, left])
        assert list(model.graph.inputs) == ["b", "a"]
        assert model.graph.outputs == ("dense", "dense_1")
        assert list(model.predict({"a": np.ones((2, 3)), "b": np.ones((2, 2))})) == [
            "dense",
            "dense_1",
        ]

    def test_a_long_chain_is_no_deep_recursion(self) -> None:
        symbol = source = Input((1,))
        for _ in range(3000):
            symbol = relu()(symbol)
        assert len(Model(inputs=source, outputs=symbol).graph.nodes) == 3000

    def test_a_ladder_of_diamonds_is_walked_once(self) -> None:
        symbol = source = Input((1,))
        for _ in range(60):
            symbol = add()(symbol, symbol)
        model = Model(inputs=source, outputs=symbol, dtype="float64")
        assert model.predict(np.ones((1, 1))).item() == 2.0**60

    def test_a_layer_used_twice_has_arrays_of_its_own_each_time(self) -> None:
        x, layer = Input((3,)), dense(units=3)
        model = Model(inputs=x, outputs=layer(layer(x)), seed=0)
        assert set(model.params) == {
            f"dense{n}/{a}" for n in ("", "_1") for a in ("weight", "bias")
        }
        assert not np.array_equal(model.params["dense/weight"], model.params["dense_1/weight"])

    @pytest.mark.parametrize(
        ("inputs", "outputs", "sentence"),
        [
            ("x", [], "the input <input: (3,)> leads to no output"),
            (["x", "z"], ["a"], "the input <z: (4,)> leads to no output"),
            (["x", "x"], ["a"], "two inputs have the same name"),
            ([], ["a"], "the outputs need <input: (3,)>, which is not among the inputs"),
            ("z", ["a"], "the input <z: (4,)> leads to no output"),
            ("a", ["a"], "the input <dense: (3,)> is no mlpk.Input"),
            ("x", ["x"], "the output 'input' is not a node."),
            ("x", ["a", "a"], "an output is named twice: dense, dense"),
            ("x", [3], "inputs and outputs: wanted symbols (mlpk.Input(...), layer(...)), found 3"),
            (3, ["a"], "inputs and outputs: wanted symbols"),
            ("x", "relu", "inputs and outputs: wanted symbols"),
            ({"x": 1}, ["a"], "inputs and outputs: wanted symbols"),
        ],
    )
    def test_loose_ends_are_named(self, inputs: Any, outputs: Any, sentence: str) -> None:
        x, z = Input((3,)), Input((4,), name="z")
        known = {"x": x, "z": z, "a": dense(units=3)(x)}

        def symbols(given: Any) -> Any:
            if isinstance(given, list):
                return [symbols(item) for item in given]
            return known.get(given, given) if isinstance(given, str) else given

        with pytest.raises(MlpkError) as caught:
            Model(inputs=symbols(inputs), outputs=symbols(outputs))
        assert str(caught.value).startswith(sentence)

    def test_two_symbols_of_one_name_are_refused(self) -> None:
        x = Input((3,), name="same")
        with pytest.raises(GraphError, match="two nodes or inputs are called 'same'"):
            Model(inputs=x, outputs=relu()(x, name="same"))

    @pytest.mark.parametrize(
        "arguments",
        [{}, {"layers": ["relu"], "inputs": Input((3,))}, {"inputs": Input((3,))}, {"outputs": 3}],
    )
    def test_a_model_is_a_list_or_a_graph(self, arguments: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match=r"^Model: wanted a list of layers with input_shape="):
            Model(**arguments)

    def test_input_shape_goes_with_a_list(self) -> None:
        x = Input((3,))
        with pytest.raises(ConfigError, match=r"^input_shape: goes with a list of layers"):
            Model(inputs=x, outputs=relu()(x), input_shape=(3,))


class TestSharing:
    """Nodes on the same arrays."""

    def test_a_node_uses_the_arrays_of_another(self) -> None:
        x, layer = Input((3,)), dense(units=3)
        first = layer(x, name="first")
        model = Model(inputs=x, outputs=layer(first, share=first, name="second"), seed=0)
        assert list(model.params) == ["first/weight", "first/bias"]
        assert model.spec.nodes[1].params == {"weight": "first/weight", "bias": "first/bias"}
        weight = model.params["first/weight"]
        wanted = np.ones((1, 3), np.float32) @ weight @ weight
        assert np.allclose(model.predict(np.ones((1, 3))), wanted, rtol=1e-6)

    def test_buffers_are_shared_too(self) -> None:
        x, layer = Input((3,)), mlpk.layers.batch_norm()
        first = layer(x)
        model = Model(inputs=x, outputs=layer(first, share=first))
        assert list(model.buffers) == ["batch_norm/running_mean", "batch_norm/running_var"]

    def test_sharing_with_one_that_shares_is_sharing_with_the_owner(self) -> None:
        x, layer = Input((3,)), dense(units=3)
        a = layer(x)
        b = layer(a, share=a)
        model = Model(inputs=x, outputs=layer(b, share=b))
        assert list(model.params) == ["dense/weight", "dense/bias"]

    def test_the_owner_may_come_later(self) -> None:
        x, layer = Input((3,)), dense(units=3)
        late = layer(x, name="late")
        early = layer(x, name="early", share=late)
        model = Model(inputs=x, outputs=add()(early, late))
        assert next(iter(model.graph.nodes)) == "early"
        assert list(model.params) == ["late/weight", "late/bias"]

    def test_shapes_must_agree(self) -> None:
        x = Input((3,))
        a = dense(units=2)(x)
        with pytest.raises(ShapeError) as caught:
            Model(inputs=x, outputs=[a, dense(units=4)(x, share=a)])
        assert str(caught.value) == (
            "node 'dense_1': wanted to share the array 'dense/weight' of shape (3, 2), but its own "
            "'weight' has shape (3, 4)"
        )

    def test_only_the_same_kind_in_the_same_network_shares(self) -> None:
        x = Input((3,))
        a = dense(units=3)(x)
        with pytest.raises(GraphError, match="can share arrays only with a node of its kind"):
            Model(inputs=x, outputs=[a, mlpk.layers.batch_norm()(x, share=a)])
        with pytest.raises(GraphError, match=r"shares the arrays of <dense: .*not in this network"):
            Model(inputs=x, outputs=dense(units=3)(x, share=a))

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlpk
from mlpk import ConfigError, GraphError, Input, MlpkError, Model, ShapeError, UnknownKindError
from mlpk.symbol import Symbol
from mlpk_schemas.model import ModelSpec
from mlpk_schemas.records import build, plain

dense = mlpk.layers.dense
relu = mlpk.layers.relu
add = mlpk.layers.add


def listed(*layers: Any, **options: Any) -> Model:
    return Model(layers, **{"input_shape": (3,), "seed": 0, **options})


def node(name: str, kind: str = "relu", *inputs: str, **more: Any) -> dict[str, Any]:
    rest = {"id": kind, "schema": 1, "config": {}, "params": {}, "buffers": {}}
    return {"name": name, "inputs": list(inputs), **rest, **more}


def spec(*nodes: dict[str, Any], outputs: tuple[str, ...] = ("b",), **more: Any) -> dict[str, Any]:
    inputs = [{"name": "x", "shape": [3], "dtype": "float32"}]
    return {"dtype": "float32", "inputs": inputs, "nodes": nodes, "outputs": list(outputs), **more}


@st.composite
def networks(draw: st.DrawFn) -> Model:
    """Return a random graph of layers on rows of 3, some of which share arrays."""
    count = draw(st.integers(1, 2))
    inputs = [Input((3,), name=draw(st.none() | st.just(f"given_{i}"))) for i in range(count)]
    placed: list[Symbol] = list(inputs)
    owners: list[Symbol] = []
    for place in range(draw(st.integers(count, 6))):
        # Every input is used; after that anything feeds anything.
        feed = inputs[place] if place < count else draw(st.sampled_from(placed))
        name = draw(st.none() | st.just(f"node.{place}-x"))
        what = draw(st.sampled_from(["dense", "add", "relu", "batch_norm", "dropout"]))
        if what == "dense":
            share = draw(st.none() | st.sampled_from(owners)) if owners else None
            layer = dense(units=3, bias=share is None or draw(st.booleans()))
            made = layer(feed, name=name, share=share)
            owners.append(made)
        elif what == "add":
            made = add()(feed, draw(st.sampled_from(placed)), name=name)
        elif what == "dropout":
            made = mlpk.layers.dropout(rate=draw(st.sampled_from([0.0, 0.25])))(feed, name=name)
        else:
            made = mlpk.layers[what]()(feed, name=name)
        placed.append(made)
    used = {feed for symbol in placed for feed in symbol.inputs}
    ends = [symbol for symbol in placed if symbol.layer is not None and symbol not in used]
    within = [symbol for symbol in owners[:1] if symbol not in ends]
    return Model(inputs=inputs, outputs=[*ends, *within])


@given(networks())
def test_a_network_is_written_down_and_built_again(model: Model) -> None:
    written = plain(model.spec)
    read = build(ModelSpec, written, "spec", strict=True)
    assert read == model.spec
    again = Model.from_spec(read, seed=model.seed)
    assert again.spec == model.spec
    assert {n: a.shape for n, a in again.params.items()} == {
        n: a.shape for n, a in model.params.items()
    }
    x = {name: np.ones((2, 3), np.float32) for name in model.graph.inputs}
    found, wanted = again.predict(x), model.predict(x)
    assert np.array_equal(_stacked(found), _stacked(wanted))
    assert Model.from_spec(written, seed=model.seed).spec == model.spec


def _stacked(outputs: Any) -> Any:
    return np.stack(list(outputs.values())) if isinstance(outputs, Mapping) else outputs


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
            ([dense], "layers[0]: wanted one of the layers"),
            (["relu", "dense"], "layers[1].units: this field is missing"),
            ([{"kind": "dense", "units": 0}], "layers[0].units: must be >= 1: 0"),
            ([Input((3,))], "layers[0]: a list holds layers; for a graph use Model(inputs="),
            (["rel"], "there is no 'rel' among the layers. Did you mean 'relu'?"),
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
        assert listed("relu", input_dtype="int64").spec.inputs[0].dtype == "int64"
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


class TestSpecs:
    """Graphs as they were written down."""

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            (
                spec(node("b", "relu", "y")),
                "node 'b' takes 'y', but there is no such node or input",
            ),
            (
                spec(node("b", "relu", "c"), node("c", "relu", "x")),
                "node 'b' takes 'c', which does not come before it",
            ),
            (
                spec(node("a", "relu", "b"), node("b", "relu", "a")),
                "the nodes make a cycle: a <- b <- a",
            ),
            (
                spec(node("b", "add", "x", "c"), node("c", "relu", "d"), node("d", "relu", "c")),
                "the nodes make a cycle: c <- d <- c",
            ),
            (spec(node("b", "relu", "b")), "the nodes make a cycle: b <- b"),
            (
                spec(node("b", "relu", "x"), node("b", "relu", "x")),
                "two nodes or inputs are called 'b'; give one another name",
            ),
            (spec(node("x", "relu", "x"), outputs=("x",)), "two nodes or inputs are called 'x'"),
            (spec(node("b", "relu", "x"), outputs=()), "a network needs at least one output"),
            (spec(node("b", "relu", "x"), outputs=("c",)), "the output 'c' is not a node."),
            (spec(node("b", "relu", "x"), outputs=("x",)), "the output 'x' is not a node."),
            (spec(node("b", "relu", "x"), outputs=("b", "b")), "an output is named twice: b, b"),
            (
                spec(
                    node("b", "relu", "x"),
                    inputs=[{"name": "x", "shape": [3], "dtype": "float32"}] * 2,
                ),
                "two inputs have the same name",
            ),
            (spec(node("b", "add", "x")), "node 'b': wanted two or more inputs, found 1"),
            (spec(node("b", "relu")), "node 'b': relu takes the inputs (x), found 0"),
            (spec(node("b", "relu", "x", "x")), "node 'b': relu takes the inputs (x), found 2"),
            (
                spec(node("b", "dense", "x", config={"units": 2, "bias": True})),
                "spec.nodes[0].config.init: this field is missing",
            ),
            (spec(node("b", "relu", "x", config={"a": 1})), "spec.nodes[0].config.a: there is no"),
            (
                spec(node("b", "relu", "x", params={"weight": "b/weight"})),
                "spec.nodes[0].params: wanted the arrays [], found ['weight']",
            ),
            (
                spec(node("b", "relu", "x", schema=2)),
                "relu: schema 2 is newer than the installed one, 1",
            ),
            (spec(node("b", "rel", "x")), "there is no 'rel' among the layers that are active"),
            (spec(node("b", "relu", "x"), dtype="float16"), "spec.dtype: wanted 'float32' or"),
            (3, "spec: wanted a mapping, found 3 (int)"),
            ({**spec(), "more": 1}, "spec.more: there is no such field"),
        ],
    )
    def test_what_is_no_graph_is_refused(self, given: Any, sentence: str) -> None:
        with pytest.raises(MlpkError) as caught:
            Model.from_spec(given)
        assert str(caught.value).startswith(sentence)
        assert isinstance(caught.value, ValueError | UnknownKindError)

    def test_diamonds_are_no_cycles(self) -> None:
        nodes = [
            node("a", "relu", "x"),
            node("b", "relu", "a"),
            node("c", "relu", "a"),
            node("d", "add", "b", "c", "b", "a"),
        ]
        model = Model.from_spec(spec(*nodes, outputs=("d",)))
        assert model.predict(np.ones((1, 3))).tolist() == [[4, 4, 4]]

    @pytest.mark.parametrize(
        "name", ["weight", "b", "b/", "/weight", "b/weight/x", "b c/weight", ""]
    )
    def test_an_array_is_called_node_and_array(self, name: str) -> None:
        given = plain(listed(dense(units=2).named("b")).spec)
        given["nodes"][0]["params"]["weight"] = name
        with pytest.raises(GraphError, match="is no name for an array: wanted 'node/array'"):
            Model.from_spec(given)

    def test_arrays_may_be_tied_by_name(self) -> None:
        given = plain(listed(dense(units=3), dense(units=3)).spec)
        given["nodes"][1]["params"]["weight"] = "dense/weight"
        model = Model.from_spec(given)
        assert list(model.params) == ["dense/weight", "dense/bias", "dense_1/bias"]
        assert plain(model.spec) == given

    def test_a_parameter_and_a_buffer_are_not_tied(self) -> None:
        given = plain(listed("batch_norm").spec)
        given["nodes"][0]["buffers"]["running_mean"] = "batch_norm/gamma"
        with pytest.raises(GraphError) as caught:
            Model.from_spec(given)
        assert str(caught.value) == (
            "node 'batch_norm': the array 'batch_norm/gamma' cannot be both a parameter and a buffer"
        )

    def test_code_may_write_a_spec_more_freely_than_a_file(self) -> None:
        given = spec(node("b", "dropout", "x", config={"rate": 0.5}))
        assert Model.from_spec(given).spec == build(ModelSpec, given, "", strict=False)


class TestEndingIn:
    """The part of a graph that leads to other outputs."""

    def test_it_keeps_names_and_leaves_the_rest_out(self) -> None:
        x, z = Input((3,), name="x"), Input((3,), name="z")
        a = dense(units=3)(x, name="a")
        b = dense(units=3)(z, name="b", share=a)
        model = Model(inputs=[x, z], outputs=relu()(add()(a, b)))
        part = model.graph.ending_in(["b"])
        assert list(part.nodes) == ["b"]
        assert list(part.inputs) == ["z"]
        assert part.outputs == ("b",)
        assert part.nodes["b"].params == {"weight": "a/weight", "bias": "a/bias"}
        assert list(model.graph.ending_in(["b", "a"]).inputs) == ["x", "z"]

    def test_an_unknown_node_gets_the_nearest(self) -> None:
        with pytest.raises(GraphError, match=r"there is no node 'rel'\. Did you mean 'relu'\?"):
            listed("relu").graph.ending_in(["rel"])


def test_arrays_are_listed_once_in_the_order_of_the_nodes() -> None:
    x, norm = Input((3,)), mlpk.layers.batch_norm()
    a = norm(x)
    graph = Model(inputs=x, outputs=dense(units=2)(norm(a, share=a))).graph
    assert graph.arrays("params") == [
        "batch_norm/gamma", "batch_norm/beta", "dense/weight", "dense/bias"
    ]  # fmt: skip
    assert graph.arrays("buffers") == ["batch_norm/running_mean", "batch_norm/running_var"]
    assert graph.is_whole

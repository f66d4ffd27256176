from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mlpk
from mlpk import (
    ConfigError,
    GraphError,
    Input,
    MissingPluginError,
    MlpkError,
    Model,
    UnknownKindError,
)
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


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
                "the nodes make a cycle: a -> b -> a",
            ),
            (
                spec(node("b", "add", "x", "c"), node("c", "relu", "d"), node("d", "relu", "c")),
                "the nodes make a cycle: c -> d -> c",
            ),
            (
                spec(node("a", "relu", "c"), node("b", "relu", "a"), node("c", "relu", "b")),
                "the nodes make a cycle: a -> b -> c -> a",
            ),
            (spec(node("b", "relu", "b")), "the nodes make a cycle: b -> b"),
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
                "1 kind of this file is newer than here: 'relu' has schema 2 there and 1 in mlpk",
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
        assert isinstance(caught.value, ValueError | UnknownKindError | MissingPluginError)

    def test_a_wrong_order_is_not_taken_for_a_cycle(self) -> None:
        nodes = [
            node("d", "add", "b", "c", "b"),
            node("b", "relu", "a"),
            node("c", "relu", "a"),
            node("a", "relu", "x"),
        ]
        with pytest.raises(GraphError, match="'d' takes 'b', which does not come before it"):
            Model.from_spec(spec(*nodes, outputs=("d",)))

    def test_a_ladder_of_diamonds_is_walked_once(self) -> None:
        nodes = [node(f"n{i}", "add", *[f"n{i - 1}" if i else "x"] * 2) for i in range(60)]
        for order in (nodes, nodes[::-1]):
            given = spec(*order, outputs=("n59",))
            if order is nodes:
                assert len(Model.from_spec(given).graph.nodes) == 60
            else:
                with pytest.raises(GraphError, match="does not come before it"):
                    Model.from_spec(given)

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
        with pytest.raises(ConfigError, match=r"^spec.nodes\[0\].params: must match regex"):
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


def test_what_feeds_a_node_is_known_by_its_shapes() -> None:
    x, y = Input((None, 3)), Input((None, 4))
    wide = dense(units=4)(x, name="wide")
    graph = Model(inputs=[x, y], outputs=add()(wide, y, name="sum")).graph
    assert graph.fed(graph.nodes["wide"]) == ((None, 3),)
    assert graph.fed(graph.nodes["sum"]) == ((None, 4), (None, 4))

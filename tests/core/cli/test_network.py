"""Networks from configurations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk.cli.network import network
from mlpk.errors import ConfigError
from mlpk_schemas.run import read

INPUTS = [{"name": "image", "shape": [4]}]


def node(name: str, kind: str, *inputs: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "inputs": list(inputs), **fields}


def built(model: dict[str, Any], seed: int = 0) -> mlpk.Model:
    fit = {"loss": "mean_squared_error", "optimizer": "sgd"}
    return network(read({"data": {"name": "digits"}, "model": model, "fit": fit}).model, seed)


def refused(model: dict[str, Any]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        built(model)
    return caught.value


NODES = [
    node("wide", "dense", "image", units=3),
    node("narrow", "dense", "wide", units=2),
    node("joined", "concatenate", "narrow", "wide"),
]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_nodes_may_come_in_any_order(order: tuple[int, ...]) -> None:
    model = built({"inputs": INPUTS, "nodes": [NODES[place] for place in order]}, seed=4)
    image = mlpk.Input((4,), name="image")
    wide = mlpk.layers.dense(units=3)(image, name="wide")
    narrow = mlpk.layers.dense(units=2)(wide, name="narrow")
    joined = mlpk.layers.concatenate()(narrow, wide, name="joined")
    wanted = mlpk.Model(inputs=image, outputs=joined, seed=4)
    assert model.spec == wanted.spec
    for name, array in wanted.params.items():
        np.testing.assert_array_equal(model.params[name], array)


def test_a_list_of_layers_with_a_name_and_dtypes() -> None:
    model = built(
        {
            "input_shape": ["any", 4],
            "layers": [{"kind": "dense", "units": 3, "name": "head"}, "relu"],
            "dtype": "float64",
        }
    )
    assert list(model.graph.nodes) == ["head", "relu"]
    assert model.dtype == "float64"
    assert model.graph.inputs["input"].shape == (None, 4)
    assert model.predict(np.ones((2, 5, 4))).shape == (2, 5, 3)


def test_several_outputs_are_named() -> None:
    model = built({"inputs": INPUTS, "nodes": NODES[:2], "outputs": ["narrow", "wide"]})
    assert model.graph.outputs == ("narrow", "wide")


@pytest.mark.parametrize(
    ("layers", "where", "words"),
    [
        (["flaten"], "model.layers[0]", "Did you mean 'flatten'?"),
        (["relu", {"kind": "dense", "unit": 1}], "model.layers[1].unit", "Did you mean 'units'?"),
        ([{"kind": "dense"}], "model.layers[0]", "'dense' wants units: write"),
        ([{"kind": "dense", "units": 2.5}], "model.layers[0].units", "wanted an integer"),
        (
            [{"kind": "dense", "units": 2, "init": "he_norml"}],
            "model.layers[0].init",
            "Did you mean 'he_normal'?",
        ),
        ([{"units": 2}], "model.layers[0]", "wanted one of the layers"),
        (
            [{"kind": "dense", "units": 2, "nme": "head"}],
            "model.layers[0].nme",
            "there are kind, name and, of 'dense', units, bias, init. Did you mean 'name'?",
        ),
        (["swish"], "model.layers[0]", "If a plugin brings it, that has to be installed"),
    ],
)
def test_a_wrong_layer_is_named_with_its_path(layers: list[Any], where: str, words: str) -> None:
    error = refused({"input_shape": [4], "layers": layers})
    assert error.where == where
    assert words in str(error)


@pytest.mark.parametrize(
    ("nodes", "where", "words"),
    [
        ([node("a", "relu", "imaeg")], "model.nodes[0].inputs", "Did you mean 'image'?"),
        ([node("a", "rely", "image")], "model.nodes[0]", "Did you mean 'relu'?"),
        ([node("a", "dense", "image", unit=1)], "model.nodes[0].unit", "Did you mean 'units'?"),
        (
            [node("a", "dense", "image", input="image", units=1)],
            "model.nodes[0].input",
            "there are name, kind, inputs and, of 'dense', units, bias, init. Did you mean 'inputs",
        ),
        ([node("a", "relu", "image", x=1)], "model.nodes[0].x", "inputs and, of 'relu', none."),
        (
            [node("a", "dense", "image", out_features=1)],
            "model.nodes[0].out_features",
            "Did you mean 'units'?",
        ),
        ([node("a", "dense", "image", units="1")], "model.nodes[0].units", "wanted an integer"),
        ([node("image", "relu", "image")], "model.nodes[0].name", "two inputs or nodes"),
        ([node("a", "relu", "b"), node("b", "relu", "a")], "model.nodes", "in a circle"),
        ([node("a", "relu", "a")], "model.nodes", "in a circle: a -> a"),
        (
            [node("a", "relu", "image"), node("b", "relu", "image")],
            "model.outputs",
            "several nodes feed no other: a, b",
        ),
    ],
)
def test_a_wrong_node_is_named_with_its_path(nodes: list[Any], where: str, words: str) -> None:
    error = refused({"inputs": INPUTS, "nodes": nodes})
    assert error.where == where
    assert words in str(error)


def test_an_output_that_is_no_node_is_refused() -> None:
    error = refused({"inputs": INPUTS, "nodes": NODES, "outputs": ["joint"]})
    assert str(error) == "model.outputs: there is no node 'joint'. Did you mean 'joined'?"


def test_a_node_that_leads_nowhere_is_refused() -> None:
    error = refused({"inputs": INPUTS, "nodes": NODES, "outputs": ["narrow"]})
    assert error.where == "model.nodes[2]"
    assert "'joined' leads to no output" in str(error)

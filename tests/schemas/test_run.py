"""Configurations: what a TOML file may hold, and what is said about what it may not."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from mlpk_schemas.errors import ConfigError
from mlpk_schemas.run import (
    ArraysConfig,
    DatasetConfig,
    FitConfig,
    GraphConfig,
    InputConfig,
    LayersConfig,
    NodeConfig,
    RunConfig,
    read,
)

EXAMPLE = """
seed = 0
[data]
name = "mnist"
[model]
input_shape = [28, 28, 1]
layers = ["flatten", { kind = "dense", units = 50 }, "relu", { kind = "dense", units = 10 }]
[fit]
loss = "softmax_cross_entropy"
optimizer = { kind = "sgd", lr = 0.1 }
epochs = 20
batch_size = 100
metrics = ["accuracy"]
"""
FIT: dict[str, Any] = {"loss": "mean_squared_error", "optimizer": "sgd"}


def tree(**parts: Any) -> dict[str, Any]:
    given = {
        "data": {"name": "digits"},
        "model": {"input_shape": [8, 8, 1], "layers": ["flatten"]},
        "fit": FIT,
    }
    return {**given, **parts}


def refused(**parts: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(tree(**parts))
    return caught.value


def test_a_configuration_with_every_part() -> None:
    assert read(tomllib.loads(EXAMPLE)) == RunConfig(
        seed=0,
        data=DatasetConfig(name="mnist"),
        model=LayersConfig(
            input_shape=(28, 28, 1),
            layers=(
                "flatten", {"kind": "dense", "units": 50}, "relu", {"kind": "dense", "units": 10},
            ),
        ),
        fit=FitConfig(
            loss="softmax_cross_entropy",
            optimizer={"kind": "sgd", "lr": 0.1},
            epochs=20,
            batch_size=100,
            metrics=("accuracy",),
        ),
    )  # fmt: skip


def test_what_is_left_out_is_as_in_fit() -> None:
    run = read(tree())
    assert run.seed == 0
    assert run.model.dtype == "float32"
    fit = run.fit
    assert (fit.epochs, fit.batch_size, fit.accumulate) == (1, 32, 1)
    assert (fit.shuffle, fit.drop_last, fit.validation) == (True, False, False)
    assert (fit.metrics, fit.frozen, fit.callbacks, fit.lr_factors) == ((), (), (), {})
    assert fit.regularizer is None


@pytest.mark.parametrize("given", ["accuracy", {"kind": "accuracy"}, {"output": ["accuracy"]}])
def test_a_single_metric_needs_no_list(given: Any) -> None:
    assert read(tree(fit={**FIT, "metrics": given})).fit.metrics == given


def test_a_dataset_takes_the_other_keys_as_arguments() -> None:
    found = read(tree(data={"name": "cifar10", "batches": [1, 2]})).data
    assert found == DatasetConfig(name="cifar10", arguments={"batches": [1, 2]})


def test_arrays_may_be_one_file_or_one_for_each_input() -> None:
    given = {"x": {"image": "a.npy", "mask": "b.npy"}, "y": "y.npy", "weight": "w.npy"}
    found = read(tree(data=given)).data
    assert isinstance(found, ArraysConfig)
    assert found.x == {"image": "a.npy", "mask": "b.npy"}
    assert (found.y, found.weight, found.x_validation) == ("y.npy", "w.npy", None)


def test_a_graph_takes_the_fields_of_a_node_beside_its_kind() -> None:
    found = read(
        tree(
            model={
                "inputs": [{"name": "words", "shape": ["any"], "dtype": "int64"}],
                "nodes": [{"name": "e", "kind": "embedding", "inputs": ["words"], "units": 3}],
                "dtype": "float64",
            }
        )
    ).model
    assert found == GraphConfig(
        inputs=(InputConfig(name="words", shape=("any",), dtype="int64"),),
        nodes=(NodeConfig(name="e", kind="embedding", inputs=("words",), fields={"units": 3}),),
        dtype="float64",
    )


@pytest.mark.parametrize(
    ("parts", "where", "hint"),
    [
        ({"modle": {}}, "modle", "'model'"),
        ({"data": {"nmae": "mnist"}}, "data", "'name'"),
        ({"data": {"x": "x.npy", "y": "y.npy", "wieght": "w.npy"}}, "data.wieght", "'weight'"),
        ({"model": {"input_shape": [1], "layer": ["relu"]}}, "model.layer", "'layers'"),
        (
            {
                "model": {
                    "inputs": [{"name": "x", "shape": [1]}],
                    "nodes": [{"name": "a", "knid": "relu", "inputs": ["x"]}],
                }
            },
            "model.nodes[0].knid",
            "'kind'",
        ),
        ({"fit": {**FIT, "epocs": 3}}, "fit.epocs", "'epochs'"),
        ({"fit": {**FIT, "optimiser": "sgd"}}, "fit.optimiser", "'optimizer'"),
    ],
)
def test_a_misspelt_key_is_named_with_the_nearest(
    parts: dict[str, Any], where: str, hint: str
) -> None:
    error = refused(**parts)
    assert error.where == where
    assert f"Did you mean {hint}?" in str(error)


@pytest.mark.parametrize(
    ("parts", "where", "words"),
    [
        ({"seed": -1}, "seed", "-1"),
        ({"seed": True}, "seed", "wanted an integer, found True"),
        ({"data": 3}, "data", "wanted a table, found 3"),
        ({"data": {}}, "data", "found neither"),
        ({"data": {"x": "x.npy"}}, "data.y", "missing"),
        (
            {"data": {"x": "x", "y": "y", "y_validation": "v"}},
            "data.x_validation",
            "is missing, but y_validation is there",
        ),
        (
            {"data": {"x": "x", "y": "y", "x_validation": "v"}},
            "data.y_validation",
            "is missing, but x_validation is there",
        ),
        (
            {"data": tomllib.loads('name = "n"\nsince = 2020-01-01')},
            "data.since",
            "wanted plain data",
        ),
        ({"model": {"input_shape": [0], "layers": ["relu"]}}, "model.input_shape", "found 0"),
        ({"model": {"input_shape": ["x"], "layers": ["a"]}}, "model.input_shape[0]", "'any'"),
        ({"model": {"input_shape": [1], "layers": []}}, "model.layers", "at least one"),
        ({"model": {"input_shape": [1], "layers": [1]}}, "model.layers[0]", "found 1"),
        ({"model": {"inputs": [], "nodes": [3]}}, "model.nodes[0]", "wanted a table, found 3"),
        ({"model": {"inputs": [{"name": "9", "shape": []}], "nodes": []}},
         "model.inputs[0].name", "9"),
        ({"model": {"inputs": []}}, "model.nodes", "missing"),
        ({"fit": {"loss": "x"}}, "fit.optimizer", "missing"),
        ({"fit": {**FIT, "epochs": 0}}, "fit.epochs", ">= 1"),
        ({"fit": {**FIT, "epochs": "3"}}, "fit.epochs", "wanted an integer, found '3'"),
        ({"fit": {**FIT, "shuffle": 1}}, "fit.shuffle", "true or false"),
        ({"fit": {**FIT, "lr_factors": {"a": "b"}}}, "fit.lr_factors.a", "wanted a number"),
        ({"fit": {**FIT, "callbacks": ["progress", 2]}}, "fit.callbacks[1]", "found 2"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_path(
    parts: dict[str, Any], where: str, words: str
) -> None:
    error = refused(**parts)
    assert error.where == where
    assert words in str(error)


@pytest.mark.parametrize("part", ["data", "model", "fit"])
def test_a_missing_part_is_named(part: str) -> None:
    given = tree()
    del given[part]
    with pytest.raises(ConfigError, match=rf"^{part}: this field is missing"):
        read(given)


def test_reading_changes_nothing_in_the_tree() -> None:
    given = tree(data={"name": "cifar10", "batches": 1})
    read(given)
    assert given["data"] == {"name": "cifar10", "batches": 1}

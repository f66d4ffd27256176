"""The state of a training run stays with a network that was opened without all of its kinds."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import Model
from mlpk.file import writer
from mlpk_schemas.records import plain

Acting = Callable[..., AbstractContextManager[None]]
X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)


@pytest.fixture
def path(gate: dict[str, Any], acting: Acting, tmp_path: Path) -> Path:
    """Return a run whose layer, initializer and optimizer are of three third parties."""
    with acting(acme="2.1", beta="0.3", gamma="1.5"):
        train(tmp_path / "run.mlpk", [gate, {"kind": "dense", "units": 2}], "drift")
    return tmp_path / "run.mlpk"


def train(path: Path, layers: list[Any], optimizer: Any, **changes: Any) -> Model:
    model = Model(layers, input_shape=(3,), seed=0)
    options: dict[str, Any] = {
        "loss": "mean_squared_error", "progress": False, "checkpoint": path, "resume": True,
        "batch_size": 2, "callbacks": ["moving_average"], "metrics": ["mean_absolute_error"],
    }  # fmt: skip
    model.fit(X, X[:, :2], optimizer=optimizer, **{**options, **changes})
    return model


def same(path: Path) -> bool:
    """Open a file without what it needs, and save it again."""
    opened = mlpk.load(path, missing="opaque")
    digest = opened.save(path.with_name("again.mlpk"))
    assert mlpk.load_arrays(path).keys() == mlpk.load_arrays(path.with_name("again.mlpk")).keys()
    assert mlpk.dumps(copy.deepcopy(opened)) == mlpk.dumps(opened)
    assert mlpk.dumps(pickle.loads(pickle.dumps(opened))) == mlpk.dumps(opened)
    mlpk.load(path.with_name("again.mlpk"), missing="opaque", expect=digest)
    return path.read_bytes() == path.with_name("again.mlpk").read_bytes()


def renamed(tree: Any, names: dict[str, str]) -> Any:
    """Return a tree of plain data with kinds of other ids."""
    if isinstance(tree, dict):
        return {
            key: names.get(item, item) if key == "id" else renamed(item, names)
            for key, item in tree.items()
        }
    return [renamed(item, names) for item in tree] if isinstance(tree, list) else tree


def test_the_file_is_the_same_whatever_is_missing(path: Path, acting: Acting) -> None:
    assert len(mlpk.inspect(path).plugins) == 3
    for here in (
        {}, {"acme": "2.1"}, {"beta": "0.3"}, {"gamma": "1.5"}, {"acme": "2.1", "gamma": "1.5"},
        {"acme": "2.1", "beta": "0.3"}, {"acme": None, "beta": None, "gamma": None},
    ):  # fmt: skip
        with acting(**here):
            assert same(path), here


def test_it_can_be_mapped_and_saved(path: Path) -> None:
    mapped = mlpk.load(path, missing="opaque", mmap=True)
    assert mlpk.dumps(mapped) == path.read_bytes()


def test_the_run_goes_on_from_what_was_saved_again(
    gate: dict[str, Any], path: Path, acting: Acting
) -> None:
    again = path.with_name("again.mlpk")
    opened = mlpk.load(path, missing="opaque")
    opened.save(again, meta={"seen": "yes"})
    layers = [gate, {"kind": "dense", "units": 2}]
    with acting(acme="2.1", beta="0.3", gamma="1.5"):
        model = train(again, layers, "drift", epochs=3)
        whole = train(path.with_name("whole.mlpk"), layers, "drift", epochs=3)
        for name, array in whole.params.items():
            assert np.array_equal(model.params[name], array)


def test_where_only_the_optimizer_is_missing_the_network_runs(
    acting: Acting, tmp_path: Path
) -> None:
    path = tmp_path / "run.mlpk"
    with acting(gamma="1.5"):
        layers = [{"kind": "dense", "units": 2}]
        trained = train(path, layers, "drift", callbacks=[])
    assert same(path)
    model = mlpk.load(path, missing="opaque")
    assert np.array_equal(model.predict(X), trained.predict(X))
    assert mlpk.dumps(model) == path.read_bytes()


def test_whoever_trains_further_drops_it(acting: Acting, tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    with acting(gamma="1.5"):
        train(path, [{"kind": "dense", "units": 2}], "drift")
    model = mlpk.load(path, missing="opaque")
    model.forward(X)
    model.backward(X[:, :2])
    mlpk.optimizers.sgd(lr=0.1).attach(model).step()
    model.save(path)
    assert mlpk.inspect(path).state is None
    assert set(mlpk.load_arrays(path)) == {"dense/weight", "dense/bias"}
    assert mlpk.inspect(path).plugins == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda model, _: model.load_params(_),
        lambda model, _: model.forward(X, training=True),
        lambda model, _: model.params["dense/bias"].__setitem__(0, 7),
        lambda model, _: model.submodel("batch_norm").fit(
            X, X, loss="mean_squared_error", optimizer="sgd", progress=False
        ),
    ],
    ids=["load_params", "forward", "by hand", "submodel"],
)
def test_it_does_not_stay_beside_arrays_of_other_values(
    acting: Acting, tmp_path: Path, change: Any
) -> None:
    path, other = tmp_path / "run.mlpk", tmp_path / "other.mlpk"
    layers = ["batch_norm", {"kind": "dense", "units": 2}]
    with acting(gamma="1.5"):
        train(path, layers, "drift")
    Model(layers, input_shape=(3,), seed=9).save(other)
    model = mlpk.load(path, missing="opaque")
    change(model, other)
    model.save(path)
    assert mlpk.inspect(path).state is None
    assert mlpk.load_arrays(path).keys() == {*model.params, *model.buffers}


def test_a_run_that_is_refused_does_not_drop_it(acting: Acting, tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    with acting(gamma="1.5"):
        train(path, [{"kind": "dense", "units": 2}], "drift")
    model = mlpk.load(path, missing="opaque")
    for wrong in ({"checkpoint": tmp_path / "absent" / "x.mlpk"}, {"callbacks": ["none"]}):
        with pytest.raises(mlpk.MlpkError):
            model.fit(X, X[:, :2], loss="mean_squared_error", optimizer="sgd", **wrong)
    assert mlpk.dumps(model) == path.read_bytes()


def test_unknown_losses_and_kinds_among_the_options(
    gate: dict[str, Any], acting: Acting, tmp_path: Path
) -> None:
    path = tmp_path / "run.mlpk"
    with acting(acme="2.1", beta="0.3", gamma="1.5"):
        train(path, [gate, {"kind": "dense", "units": 2}], "drift", regularizer="l2")
    named = {"l2": "zeta:l2", "mean_squared_error": "zeta:loss", "gamma:drift": "zeta:drift"}
    header = plain(mlpk.inspect(path))
    header["state"] = renamed(header["state"], {**named, "mean_absolute_error": "eta:metric"})
    header["plugins"] = [
        {"dist": "acme", "version": "2.1", "ids": ["acme:gate"]},
        {"dist": "beta", "version": "0.3", "ids": ["beta:half"]},
        {"dist": "eta", "version": "7", "ids": ["eta:metric"]},
        {"dist": "zeta", "version": "1", "ids": ["zeta:drift"]},
        {"dist": "zeta", "version": "2", "ids": ["zeta:l2", "zeta:loss"]},
    ]
    header["ext"] = {"notes": [1, None, {"a": "b"}]}
    del header["pad"], header["tensors"]
    path.write_bytes(writer.dump(header, mlpk.load_arrays(path)))
    for here in ({}, {"acme": "2.1", "beta": "0.3"}, {"acme": "3", "gamma": "1.5"}):
        with acting(**here):
            model = mlpk.load(path, missing="opaque")
            again = mlpk.dumps(model)
            if "beta" in here:  # then the gate is known, and is written by what is here
                assert model.predict(X).shape == (4, 2)
            assert again == path.read_bytes(), here


def test_a_training_run_s_file_can_be_looked_at(
    gate: dict[str, Any], acting: Acting, tmp_path: Path
) -> None:
    path = tmp_path / "run.mlpk"
    with acting(acme="2.1", beta="0.3"):
        model = Model([gate, {"kind": "dense", "units": 2}], input_shape=(3,), seed=0)
        options: dict[str, Any] = {"loss": "mean_squared_error", "progress": False}
        model.fit(X, X[:, :2], optimizer="momentum", checkpoint=path, **options)
    opaque = mlpk.load(path, missing="opaque")
    assert np.array_equal(opaque.params["gate/w"], model.params["gate/w"])
    assert "slot:gate/w/" in " ".join(mlpk.load_arrays(path))

"""Unknown layers become inert nodes: looked at, changed and written back, never run."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

import mlpk
from mlpk import FileFormatError, GraphError, MissingPluginError, Model
from mlpk.opaque import Opaque
from mlpk_schemas.records import plain

Acting = Callable[..., AbstractContextManager[None]]
X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)


@pytest.fixture
def model(data: bytes) -> Model:
    """Return the model where neither acme nor beta is known."""
    return mlpk.loads(data, missing="opaque")


def test_everything_can_be_seen(model: Model, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mlpk").write_bytes(data)
    assert model.spec == mlpk.inspect(tmp_path / "a.mlpk").spec
    assert model.meta == {"who": "test"}
    assert set(model.params) == {
        "dense/weight", "dense/bias", "gate/w", "dense_1/weight", "dense_1/bias"
    }  # fmt: skip
    assert model.params["gate/w"].tolist() == [0.5] * 3
    assert model.buffers["gate/seen"].dtype == np.int64
    assert plain(model.spec.nodes[1].config) == {
        "sizes": [5, 7],
        "init": {"id": "beta:half", "schema": 1, "config": {}},
    }
    assert "acme:gate" in model.summary()
    assert repr(model).startswith("<Model input(3,) -> dense_1: 3 nodes, 23 parameters")


def test_written_back_it_is_the_same_file(model: Model, data: bytes, tmp_path: Path) -> None:
    assert mlpk.dumps(model) == data
    model.save(tmp_path / "b.mlpk")
    assert (tmp_path / "b.mlpk").read_bytes() == data


def test_arrays_and_texts_can_be_changed_and_the_rest_stays(
    model: Model, acting: Acting, tmp_path: Path
) -> None:
    model.params["gate/w"] = [1, 2, 3]
    model.params["dense_1/bias"][:] = 7
    digest = model.save(tmp_path / "b.mlpk", meta={"who": "me"})
    with acting(acme="2.1", beta="0.3"):
        again = mlpk.load(tmp_path / "b.mlpk", expect=digest)
        assert again.params["gate/w"].tolist() == [1, 2, 3]
        assert again.params["dense_1/bias"].tolist() == [7, 7]
        assert again.buffers["gate/seen"] == 1
        assert again.meta == {"who": "me"}
        dense, bias = again.params["dense/weight"], again.params["dense/bias"]
        weight, last = again.params["dense_1/weight"], again.params["dense_1/bias"]
        wanted = ((X @ dense + bias) * [1, 2, 3]) @ weight + last
        assert np.allclose(again.predict(X), wanted, rtol=1e-5)


def test_parameters_can_be_taken_from_another_file(
    model: Model, acting: Acting, tmp_path: Path
) -> None:
    with acting(acme="2.1", beta="0.3"):
        other = Model.from_spec(model.spec, seed=5)
        other.save(tmp_path / "other.mlpk")
        wanted = {name: array.copy() for name, array in other.params.items()}
    assert set(model.load_params(tmp_path / "other.mlpk")) == {*model.params, *model.buffers}
    for name, array in model.params.items():
        assert np.array_equal(array, wanted[name])


def test_running_it_names_what_is_missing(model: Model) -> None:
    with pytest.raises(MissingPluginError, match=r"'acme:gate' .*acme 2\.1") as caught:
        model.predict(X)
    assert [kind for kind, _, _ in caught.value.kinds] == ["acme:gate", "beta:half"]


def test_training_it_is_refused(model: Model) -> None:
    for ask in (
        lambda: model.forward(X),
        lambda: model.grads,
        lambda: model.new_pass().backward({}),
        lambda: mlpk.optimizers.sgd().attach(model),
        lambda: model.fit(X, X[:, :2], loss="mean_squared_error", optimizer="sgd"),
    ):
        with pytest.raises(GraphError, match=r"not active here|not for training"):
            ask()


def test_what_lies_before_it_runs(model: Model) -> None:
    part = model.submodel("dense")
    wanted = X @ model.params["dense/weight"] + model.params["dense/bias"]
    assert np.allclose(part.predict(X), wanted, rtol=1e-5)
    alone = mlpk.loads(mlpk.dumps(part))
    assert np.array_equal(alone.predict(X), part.predict(X))


def test_a_part_that_ends_in_it_keeps_its_arrays(model: Model, acting: Acting) -> None:
    part = model.submodel("gate")
    assert set(part.params) == {"dense/weight", "dense/bias", "gate/w"}
    assert list(part.buffers) == ["gate/seen"]
    with acting(acme="2.1", beta="0.3"):
        again = mlpk.loads(mlpk.dumps(part))
        wanted = 0.5 * (X @ model.params["dense/weight"] + model.params["dense/bias"])
        assert np.allclose(again.predict(X), wanted, rtol=1e-5)


def test_it_is_copied_and_travels_with_nothing_lost(model: Model, data: bytes) -> None:
    for again in (copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
        assert mlpk.dumps(again) == data
        assert not np.shares_memory(again.params["gate/w"], model.params["gate/w"])


def test_it_may_be_mapped(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mlpk").write_bytes(data)
    model = mlpk.load(tmp_path / "a.mlpk", missing="opaque", mmap=True)
    assert mlpk.dumps(model) == data


def test_a_node_is_opaque_when_a_kind_inside_of_it_is(data: bytes, acting: Acting) -> None:
    with acting(acme="3.0"):
        model = mlpk.loads(data, missing="opaque")
        assert isinstance(model.graph.nodes["gate"].layer, Opaque)
        assert mlpk.dumps(model) == data
        with pytest.raises(MissingPluginError) as caught:
            model.predict(X)
        assert caught.value.kinds == (("beta:half", "beta", "0.3"),)


def test_blocked_plugins_leave_opaque_nodes_too(data: bytes, acting: Acting) -> None:
    with acting(acme=None, beta=None):
        assert mlpk.dumps(mlpk.loads(data, missing="opaque")) == data


def test_what_is_known_is_not_opaque(data: bytes, acting: Acting) -> None:
    with acting(acme="9", beta="9"):
        model = mlpk.loads(data, missing="opaque")
        assert model.graph.is_whole
        assert model.predict(X).shape == (4, 2)
        claims = mlpk.loads(mlpk.dumps(model), missing="opaque").spec
        assert claims == model.spec


@pytest.mark.usefixtures("own_catalog")
def test_a_newer_release_without_the_kind_does_not_take_over_its_claim(data: bytes) -> None:
    held = mlpk.catalog.current()
    record = mlpk.catalog.Record("acme", "99", "active", 0.0, ())
    mlpk.catalog.swap(lambda _: mlpk.catalog.Catalog(held.brought, [*held.records, record]))
    assert mlpk.dumps(mlpk.loads(data, missing="opaque")) == data


def test_a_known_layer_with_a_wrong_field_is_refused_all_the_same(
    data: bytes, acting: Acting
) -> None:
    damaged = data.replace(b"sizes", b"sizez")
    assert damaged != data
    with acting(acme="2.1", beta="0.3"), pytest.raises(FileFormatError):
        mlpk.loads(damaged, missing="opaque")


def test_shared_arrays_of_unknown_layers_stay_shared(acting: Acting) -> None:
    with acting(acme="2.1", beta="0.3"):
        x = mlpk.Input((3,))
        first = mlpk.layers.gate(init="half")(x, name="first")
        again = mlpk.layers.gate()(first, name="again", share=first)
        model = Model(inputs=x, outputs=mlpk.layers.add()(again, first), seed=0)
        model.params["first/w"][:] = [1, 2, 3]
        data, wanted = mlpk.dumps(model), model.predict(X)
    opened = mlpk.loads(data, missing="opaque")
    assert list(opened.params) == ["first/w"]
    assert mlpk.dumps(opened) == data
    opened.params["first/w"] = [1, 2, 4]
    with acting(acme="2.1", beta="0.3"):
        again = mlpk.loads(mlpk.dumps(opened))
        assert again.spec.nodes[1].params == {"w": "first/w"}
        assert np.array_equal(again.predict(X)[:, :2], wanted[:, :2])
        assert not np.allclose(again.predict(X)[:, 2], wanted[:, 2])


def test_shapes_behind_it_are_unknown() -> None:
    layer = Opaque("acme:gate", 1, {}, ())
    with pytest.raises(GraphError, match="the shapes behind 'acme:gate' are unknown"):
        layer.declare((3,))
    assert list(Opaque.examples()) == []

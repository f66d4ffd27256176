"""Files whose kinds are not active here: looked at, changed and written back, never run."""

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
from mlpk import FileFormatError, GraphError, MissingPluginError, Model, PluginError
from mlpk.file import writer
from mlpk.opaque import Opaque
from mlpk_schemas.records import plain

Acting = Callable[..., AbstractContextManager[None]]

X = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
GATE = {"kind": "gate", "sizes": [5, 7], "init": "half"}


@pytest.fixture
def data(acting: Acting) -> bytes:
    """Return a file with a layer of acme 2.1, inside of it an initializer of beta 0.3."""
    with acting(acme="2.1", beta="0.3"):
        layers = [{"kind": "dense", "units": 3}, GATE, {"kind": "dense", "units": 2}]
        model = Model(layers, input_shape=(3,), seed=0)
        model.forward(X, training=True)
        model.meta = {"who": "test"}
        return mlpk.dumps(model)


class TestMissing:
    """A file is refused with all that it would need."""

    def test_all_kinds_are_listed_at_once_with_what_the_file_claims(self, data: bytes) -> None:
        with pytest.raises(MissingPluginError) as caught:
            mlpk.loads(data)
        assert caught.value.kinds == (("acme:gate", "acme", "2.1"), ("beta:half", "beta", "0.3"))
        assert str(caught.value) == (
            "2 kinds of this file are not active here: 'acme:gate' (the file claims: 'acme 2.1'); "
            "'beta:half' (the file claims: 'beta 0.3'). Install only what you know and trust, or "
            "load with missing='opaque' to look at the rest."
        )
        assert isinstance(caught.value, PluginError)

    def test_there_is_no_command_to_copy(self, data: bytes) -> None:
        with pytest.raises(MissingPluginError) as caught:
            mlpk.loads(data)
        assert "pip" not in str(caught.value)
        assert "install acme" not in str(caught.value)

    def test_only_what_is_missing_is_listed(self, data: bytes, acting: Acting) -> None:
        with acting(beta="0.3"), pytest.raises(MissingPluginError) as caught:
            mlpk.loads(data)
        assert [kind for kind, _, _ in caught.value.kinds] == ["acme:gate"]
        assert str(caught.value).startswith("1 kind of this file is not active here: 'acme:gate'")
        with acting(acme="2.1"), pytest.raises(MissingPluginError) as caught:
            mlpk.loads(data)
        assert [kind for kind, _, _ in caught.value.kinds] == ["beta:half"]

    def test_running_it_says_to_load_it_again(self, data: bytes) -> None:
        model = mlpk.loads(data, missing="opaque")
        with pytest.raises(MissingPluginError) as caught:
            model.predict(X)
        assert str(caught.value).endswith("what you know and trust, and load the file again.")
        again = pickle.loads(pickle.dumps(caught.value))
        assert str(again) == str(caught.value)

    def test_a_model_whose_layers_are_all_here_predicts(
        self, acting: Acting, tmp_path: Path
    ) -> None:
        path = tmp_path / "run.mlpk"
        with acting(gamma="1.0"):
            trained = Model([{"kind": "dense", "units": 2}], input_shape=(3,), seed=0)
            trained.fit(X, X[:, :2], loss="mean_squared_error", optimizer="drift",
                        checkpoint=path, progress=False)  # fmt: skip
        with pytest.raises(MissingPluginError) as caught:
            mlpk.load(path)
        assert "'gamma:drift'" in str(caught.value)
        assert str(caught.value).endswith(
            "or load with missing='opaque': its layers are all here, and it predicts."
        )
        model = mlpk.load(path, missing="opaque")
        assert np.array_equal(model.predict(X), trained.predict(X))

    def test_a_blocked_plugin_is_as_good_as_none(self, data: bytes, acting: Acting) -> None:
        with acting(acme=None, beta=None), pytest.raises(MissingPluginError) as caught:
            mlpk.loads(data)
        assert len(caught.value.kinds) == 2
        assert caught.value.reasons["acme:gate"] == "acme 0 is blocked: blocked by hand"
        assert (
            "'acme:gate' (the file claims: 'acme 2.1'; acme 0 is blocked: blocked by hand); "
        ) in str(caught.value)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (again.kinds, again.reasons, str(again)) == (
            caught.value.kinds, caught.value.reasons, str(caught.value)
        )  # fmt: skip

    def test_where_they_are_active_it_loads_and_runs(self, data: bytes, acting: Acting) -> None:
        with acting(acme="9", beta="9"):
            model = mlpk.loads(data)
            assert model.params["gate/w"].tolist() == [0.5, 0.5, 0.5]
            assert model.buffers["gate/seen"] == 1
            assert model.predict(X).shape == (4, 2)


class TestKept:
    """Unknown layers become inert nodes."""

    @pytest.fixture
    def model(self, data: bytes) -> Model:
        """Return the model where neither acme nor beta is known."""
        return mlpk.loads(data, missing="opaque")

    def test_everything_can_be_seen(self, model: Model, data: bytes, tmp_path: Path) -> None:
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

    def test_written_back_it_is_the_same_file(
        self, model: Model, data: bytes, tmp_path: Path
    ) -> None:
        assert mlpk.dumps(model) == data
        model.save(tmp_path / "b.mlpk")
        assert (tmp_path / "b.mlpk").read_bytes() == data

    def test_arrays_and_texts_can_be_changed_and_the_rest_stays(
        self, model: Model, acting: Acting, tmp_path: Path
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
        self, model: Model, acting: Acting, tmp_path: Path
    ) -> None:
        with acting(acme="2.1", beta="0.3"):
            other = Model.from_spec(model.spec, seed=5)
            other.save(tmp_path / "other.mlpk")
            wanted = {name: array.copy() for name, array in other.params.items()}
        assert set(model.load_params(tmp_path / "other.mlpk")) == {*model.params, *model.buffers}
        for name, array in model.params.items():
            assert np.array_equal(array, wanted[name])

    def test_running_it_names_what_is_missing(self, model: Model) -> None:
        with pytest.raises(MissingPluginError, match=r"'acme:gate' .*acme 2\.1") as caught:
            model.predict(X)
        assert [kind for kind, _, _ in caught.value.kinds] == ["acme:gate", "beta:half"]

    def test_training_it_is_refused(self, model: Model) -> None:
        for ask in (
            lambda: model.forward(X),
            lambda: model.grads,
            lambda: model.new_pass().backward({}),
            lambda: mlpk.optimizers.sgd().attach(model),
            lambda: model.fit(X, X[:, :2], loss="mean_squared_error", optimizer="sgd"),
        ):
            with pytest.raises(GraphError, match=r"not active here|not for training"):
                ask()

    def test_what_lies_before_it_runs(self, model: Model) -> None:
        part = model.submodel("dense")
        wanted = X @ model.params["dense/weight"] + model.params["dense/bias"]
        assert np.allclose(part.predict(X), wanted, rtol=1e-5)
        alone = mlpk.loads(mlpk.dumps(part))
        assert np.array_equal(alone.predict(X), part.predict(X))

    def test_a_part_that_ends_in_it_keeps_its_arrays(self, model: Model, acting: Acting) -> None:
        part = model.submodel("gate")
        assert set(part.params) == {"dense/weight", "dense/bias", "gate/w"}
        assert list(part.buffers) == ["gate/seen"]
        with acting(acme="2.1", beta="0.3"):
            again = mlpk.loads(mlpk.dumps(part))
            wanted = 0.5 * (X @ model.params["dense/weight"] + model.params["dense/bias"])
            assert np.allclose(again.predict(X), wanted, rtol=1e-5)

    def test_it_is_copied_and_travels_with_nothing_lost(self, model: Model, data: bytes) -> None:
        for again in (copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
            assert mlpk.dumps(again) == data
            assert not np.shares_memory(again.params["gate/w"], model.params["gate/w"])

    def test_it_may_be_mapped(self, data: bytes, tmp_path: Path) -> None:
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


@pytest.mark.usefixtures("acting")
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


def test_a_training_run_s_file_can_be_looked_at(acting: Acting, tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    with acting(acme="2.1", beta="0.3"):
        model = Model([GATE, {"kind": "dense", "units": 2}], input_shape=(3,), seed=0)
        options: dict[str, Any] = {"loss": "mean_squared_error", "progress": False}
        model.fit(X, X[:, :2], optimizer="momentum", checkpoint=path, **options)
    opaque = mlpk.load(path, missing="opaque")
    assert np.array_equal(opaque.params["gate/w"], model.params["gate/w"])
    assert "slot:gate/w/" in " ".join(mlpk.load_arrays(path))


class TestKeptRuns:
    """The state of a training run stays with a network that was opened without all of its kinds."""

    @pytest.fixture
    def path(self, acting: Acting, tmp_path: Path) -> Path:
        """Return a run whose layer, initializer and optimizer are of three third parties."""
        with acting(acme="2.1", beta="0.3", gamma="1.5"):
            self.train(tmp_path / "run.mlpk", [GATE, {"kind": "dense", "units": 2}], "drift")
        return tmp_path / "run.mlpk"

    def train(self, path: Path, layers: list[Any], optimizer: Any, **changes: Any) -> Model:
        model = Model(layers, input_shape=(3,), seed=0)
        options: dict[str, Any] = {
            "loss": "mean_squared_error", "progress": False, "checkpoint": path, "resume": True,
            "batch_size": 2, "callbacks": ["moving_average"], "metrics": ["mean_absolute_error"],
        }  # fmt: skip
        model.fit(X, X[:, :2], optimizer=optimizer, **{**options, **changes})
        return model

    def same(self, path: Path) -> bool:
        """Open a file without what it needs, and save it again."""
        opened = mlpk.load(path, missing="opaque")
        digest = opened.save(path.with_name("again.mlpk"))
        assert (
            mlpk.load_arrays(path).keys() == mlpk.load_arrays(path.with_name("again.mlpk")).keys()
        )
        assert mlpk.dumps(copy.deepcopy(opened)) == mlpk.dumps(opened)
        assert mlpk.dumps(pickle.loads(pickle.dumps(opened))) == mlpk.dumps(opened)
        mlpk.load(path.with_name("again.mlpk"), missing="opaque", expect=digest)
        return path.read_bytes() == path.with_name("again.mlpk").read_bytes()

    def test_the_file_is_the_same_whatever_is_missing(self, path: Path, acting: Acting) -> None:
        assert len(mlpk.inspect(path).plugins) == 3
        for here in (
            {}, {"acme": "2.1"}, {"beta": "0.3"}, {"gamma": "1.5"}, {"acme": "2.1", "gamma": "1.5"},
            {"acme": "2.1", "beta": "0.3"}, {"acme": None, "beta": None, "gamma": None},
        ):  # fmt: skip
            with acting(**here):
                assert self.same(path), here

    def test_it_can_be_mapped_and_saved(self, path: Path) -> None:
        mapped = mlpk.load(path, missing="opaque", mmap=True)
        assert mlpk.dumps(mapped) == path.read_bytes()

    def test_the_run_goes_on_from_what_was_saved_again(self, path: Path, acting: Acting) -> None:
        again = path.with_name("again.mlpk")
        opened = mlpk.load(path, missing="opaque")
        opened.save(again, meta={"seen": "yes"})
        layers = [GATE, {"kind": "dense", "units": 2}]
        with acting(acme="2.1", beta="0.3", gamma="1.5"):
            model = self.train(again, layers, "drift", epochs=3)
            whole = self.train(path.with_name("whole.mlpk"), layers, "drift", epochs=3)
            for name, array in whole.params.items():
                assert np.array_equal(model.params[name], array)

    def test_where_only_the_optimizer_is_missing_the_network_runs(
        self, acting: Acting, tmp_path: Path
    ) -> None:
        path = tmp_path / "run.mlpk"
        with acting(gamma="1.5"):
            layers = [{"kind": "dense", "units": 2}]
            trained = self.train(path, layers, "drift", callbacks=[])
        assert self.same(path)
        model = mlpk.load(path, missing="opaque")
        assert np.array_equal(model.predict(X), trained.predict(X))
        assert mlpk.dumps(model) == path.read_bytes()

    def test_whoever_trains_further_drops_it(self, acting: Acting, tmp_path: Path) -> None:
        path = tmp_path / "run.mlpk"
        with acting(gamma="1.5"):
            self.train(path, [{"kind": "dense", "units": 2}], "drift")
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
        self, acting: Acting, tmp_path: Path, change: Any
    ) -> None:
        path, other = tmp_path / "run.mlpk", tmp_path / "other.mlpk"
        layers = ["batch_norm", {"kind": "dense", "units": 2}]
        with acting(gamma="1.5"):
            self.train(path, layers, "drift")
        Model(layers, input_shape=(3,), seed=9).save(other)
        model = mlpk.load(path, missing="opaque")
        change(model, other)
        model.save(path)
        assert mlpk.inspect(path).state is None
        assert mlpk.load_arrays(path).keys() == {*model.params, *model.buffers}

    def test_a_run_that_is_refused_does_not_drop_it(self, acting: Acting, tmp_path: Path) -> None:
        path = tmp_path / "run.mlpk"
        with acting(gamma="1.5"):
            self.train(path, [{"kind": "dense", "units": 2}], "drift")
        model = mlpk.load(path, missing="opaque")
        for wrong in ({"checkpoint": tmp_path / "absent" / "x.mlpk"}, {"callbacks": ["none"]}):
            with pytest.raises(mlpk.MlpkError):
                model.fit(X, X[:, :2], loss="mean_squared_error", optimizer="sgd", **wrong)
        assert mlpk.dumps(model) == path.read_bytes()

    def test_unknown_losses_and_kinds_among_the_options(
        self, acting: Acting, tmp_path: Path
    ) -> None:
        path = tmp_path / "run.mlpk"
        with acting(acme="2.1", beta="0.3", gamma="1.5"):
            self.train(path, [GATE, {"kind": "dense", "units": 2}], "drift", regularizer="l2")
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


def renamed(tree: Any, names: dict[str, str]) -> Any:
    """Return a tree of plain data with kinds of other ids."""
    if isinstance(tree, dict):
        return {
            key: names.get(item, item) if key == "id" else renamed(item, names)
            for key, item in tree.items()
        }
    return [renamed(item, names) for item in tree] if isinstance(tree, list) else tree


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

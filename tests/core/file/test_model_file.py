"""From graph and arrays to header and tensors, and back; the bytes have tests of their own."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import (
    ConfigError,
    DataError,
    FileAccessError,
    FileFormatError,
    MissingPluginError,
    MlpkError,
    Model,
    ShapeError,
)
from mlpk.errors import shown
from mlpk.file import model_file, writer
from mlpk.file.replacement import check_target
from mlpk_schemas.records import plain, values

Acting = Callable[..., AbstractContextManager[None]]


def made(*layers: Any, **options: Any) -> Model:
    return Model(layers, **{"input_shape": (3,), "seed": 0, **options})


@pytest.fixture
def model() -> Model:
    return made(mlpk.layers.dense(units=2), "batch_norm")


def crafted(model: Model, arrays: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """Return a file that is in order but for what is changed in its header or its arrays."""
    head = {
        "critical": (),
        "ext": {},
        "generator": "mlpk",
        "meta": {},
        "plugins": (),
        "spec": model.spec,
        "state": None,
    }
    tensors = {**model.params, **model.buffers, **(arrays or {})}
    return writer.dump(
        {**head, **changes}, {name: a for name, a in tensors.items() if a is not None}
    )


class TestTensors:
    """A file holds exactly the arrays that its spec declares."""

    @pytest.mark.parametrize(
        ("arrays", "sentence"),
        [
            ({"dense/bias": None}, "missing are: dense/bias; unknown are: none"),
            ({"dense/more": np.zeros(2)}, "missing are: none; unknown are: dense/more"),
            ({"slot:dense/bias/v": np.zeros(2)}, "unknown are: slot:dense/bias/v"),
            ({"state:data/rows": np.zeros(2)}, "unknown are: state:data/rows"),
            (
                {"dense/bias": np.zeros(3, np.float32)},
                "tensors.dense/bias: wanted float32 of shape (2,), found f32 of shape (3,)",
            ),
            (
                {"dense/bias": np.zeros((2, 1), np.float32)},
                "tensors.dense/bias: wanted float32 of shape (2,), found f32 of shape (2, 1)",
            ),
            (
                {"dense/bias": np.zeros(2)},
                "tensors.dense/bias: wanted float32 of shape (2,), found f64 of shape (2,)",
            ),
            (
                {"batch_norm/running_var": np.zeros(2, np.int32)},
                "tensors.batch_norm/running_var: wanted float32 of shape (2,), found i32",
            ),
        ],
    )
    def test_others_are_refused(self, model: Model, arrays: Any, sentence: str) -> None:
        for missing in ("error", "opaque"):
            with pytest.raises(FileFormatError) as caught:
                mlpk.loads(crafted(model, arrays), missing=missing)
            assert sentence in str(caught.value)

    def test_a_file_that_names_more_slots_than_it_holds_is_refused_at_once(
        self, tmp_path: Path
    ) -> None:
        path, model = tmp_path / "run.mlpk", made(*["prelu"] * 300)
        options: dict[str, Any] = {"loss": "mean_squared_error", "progress": False}
        model.fit(np.ones((2, 3)), np.ones((2, 3)), optimizer="sgd", checkpoint=path, **options)
        state = plain(mlpk.inspect(path).state)
        state["optimizer"]["slots"] = [f"s{number}" for number in range(60_000)]
        data = crafted(model, state=state)
        tracemalloc.start()
        try:
            with pytest.raises(FileFormatError, match="wanted 60000 slots of 300 parameters"):
                mlpk.loads(data)
            assert tracemalloc.get_traced_memory()[1] < 100e6
        finally:
            tracemalloc.stop()

    def test_a_crafted_file_that_is_in_order_loads(self, model: Model) -> None:
        assert mlpk.loads(crafted(model)).spec == model.spec

    def test_a_wrong_spec_is_a_wrong_file(self, model: Model, tmp_path: Path) -> None:
        spec = plain(model.spec)
        spec["nodes"][0]["config"]["units"] = 0
        (tmp_path / "a.mlpk").write_bytes(crafted(model, spec=spec))
        with pytest.raises(FileFormatError) as caught:
            mlpk.load(tmp_path / "a.mlpk")
        path = str(tmp_path / "a.mlpk")
        assert str(caught.value) == (
            f"{path}: must be >= 1: 0 (at field spec.nodes[0].config.units)"
        )
        assert (caught.value.path, caught.value.field) == (path, "spec.nodes[0].config.units")

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            ("inputs", ["nowhere"]),
            ("inputs", []),
            ("name", "batch_norm"),
            ("params", {"weight": "other/x", "bias": "dense/bias"}),
            ("params", {"weight": "dense/weight"}),
            ("buffers", {"seen": "dense/seen"}),
            ("config", {}),
            (
                "config",
                {"units": 2, "bias": True, "init": {"id": "sgd", "schema": 1, "config": {}}},
            ),
        ],
    )
    def test_so_is_any_other_fault_of_a_node(self, model: Model, place: str, value: Any) -> None:
        spec = plain(model.spec)
        spec["nodes"][0][place] = value
        with pytest.raises(FileFormatError):
            mlpk.loads(crafted(model, spec=spec))

    def test_a_newer_schema_is_no_fault_of_the_file(self, model: Model) -> None:
        spec = plain(model.spec)
        spec["nodes"][0]["schema"] = 2
        with pytest.raises(MissingPluginError, match="'dense' has schema 2 there and 1 in mlpk"):
            mlpk.loads(crafted(model, spec=spec))

    def test_text_of_the_file_is_escaped_and_cut_in_messages(self, model: Model) -> None:
        spec = plain(model.spec)
        evil = "\x1b[2J" + "x" * 3000
        for place, value in (("inputs", [evil]), ("config", {evil: 1}), ("id", evil)):
            spec["nodes"][0] = {**plain(model.spec)["nodes"][0], place: value}
            with pytest.raises(MlpkError) as caught:
                mlpk.loads(crafted(model, spec=spec))
            assert str(caught.value).isprintable()
            assert len(str(caught.value)) < 600
        claim = {"dist": evil, "version": evil, "ids": ["acme:gate"]}
        spec["nodes"][0] = {**plain(model.spec)["nodes"][0], "id": "acme:gate"}
        with pytest.raises(MissingPluginError) as missing:
            mlpk.loads(crafted(model, spec=spec, plugins=[claim]))
        assert str(missing.value).isprintable()
        assert len(str(missing.value)) < 600


class TestClaims:
    """What a file says about the third parties that it needs."""

    def test_first_parties_are_not_named(self, model: Model, tmp_path: Path) -> None:
        model.save(tmp_path / "a.mlpk")
        assert mlpk.inspect(tmp_path / "a.mlpk").plugins == ()

    def test_all_ids_are_named_with_distribution_and_version(
        self, acting: Acting, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.mlpk"
        with acting(beta="0.3", acme="2.1"):
            made("gate", {"kind": "gate", "init": "half"}, "relu").save(path)
            assert [values(claim) for claim in mlpk.inspect(path).plugins] == [
                {"dist": "acme", "version": "2.1", "ids": ("acme:gate",)},
                {"dist": "beta", "version": "0.3", "ids": ("beta:half",)},
            ]
            mlpk.loads(mlpk.dumps(made("relu"))).save(path)
            assert mlpk.inspect(path).plugins == ()
            made({"kind": "dense", "units": 1, "init": "half"}).save(path)
            assert [claim.dist for claim in mlpk.inspect(path).plugins] == ["beta"]

    def test_re_saving_names_the_release_that_is_installed(
        self, acting: Acting, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.mlpk"
        with acting(acme="2.1"):
            made("gate").save(path)
        with acting(acme="2.2"):
            mlpk.load(path).save(path)
        assert mlpk.inspect(path).plugins[0].version == "2.2"

    def test_what_only_training_needs_is_named_too(self, acting: Acting, tmp_path: Path) -> None:
        path, x = tmp_path / "run.mlpk", np.ones((4, 3), np.float32)
        with acting(gamma="1.5"):
            model = made(mlpk.layers.dense(units=2))
            options: dict[str, Any] = {"loss": "mean_squared_error", "progress": False}
            model.fit(x, x[:, :2], optimizer="drift", checkpoint=path, **options)
            assert mlpk.load(path).spec == model.spec
        (claim,) = mlpk.inspect(path).plugins
        assert values(claim) == {"dist": "gamma", "version": "1.5", "ids": ("gamma:drift",)}
        with pytest.raises(MissingPluginError) as caught:
            mlpk.load(path)
        assert caught.value.kinds == (("gamma:drift", "gamma", "1.5"),)
        assert np.array_equal(mlpk.load(path, missing="opaque").predict(x), model.predict(x))

    def test_a_part_names_only_its_own(self, acting: Acting, tmp_path: Path) -> None:
        with acting(acme="2.1"):
            made("relu", "gate").submodel("relu").save(tmp_path / "a.mlpk")
        assert mlpk.load(tmp_path / "a.mlpk").predict(np.ones((1, 3))).tolist() == [[1, 1, 1]]

    def test_a_kind_that_was_never_registered_cannot_be_saved(
        self, acting: Acting, tmp_path: Path
    ) -> None:
        with acting(acme="2.1"):
            gate = made("gate")
        with pytest.raises(ConfigError, match=r"Gate: this class is not registered.*plugins\.add"):
            gate.save(tmp_path / "a.mlpk")
        assert not list(tmp_path.iterdir())


class TestLoadParams:
    """Parameters and buffers by name, exact shapes."""

    @pytest.fixture
    def path(self, model: Model, tmp_path: Path) -> Path:
        model.params["dense/weight"][:] = 5
        model.buffers["batch_norm/running_mean"][:] = 3
        model.save(tmp_path / "a.mlpk")
        return tmp_path / "a.mlpk"

    def snapshot(self, model: Model) -> dict[str, Any]:
        return {name: a.copy() for name, a in {**model.params, **model.buffers}.items()}

    def assert_unchanged(self, model: Model, before: dict[str, Any]) -> None:
        for name, array in {**model.params, **model.buffers}.items():
            assert np.array_equal(array, before[name])

    def test_it_takes_all_of_the_same_names(self, model: Model, path: Path) -> None:
        other = made(mlpk.layers.dense(units=2), "batch_norm", seed=1)
        arena = other.storage.arena
        assert arena is not None
        assert other.load_params(path) == [*other.params, *other.buffers]
        self.assert_unchanged(other, self.snapshot(model))
        assert np.shares_memory(other.params["dense/weight"], arena.flat)

    def test_a_training_run_s_file_serves_as_well(self, model: Model, tmp_path: Path) -> None:
        x = np.random.default_rng(0).random((8, 3), np.float32)
        model.fit(
            x, x[:, :2], loss="mean_squared_error", optimizer="momentum", batch_size=4,
            progress=False, checkpoint=tmp_path / "run.mlpk",
        )  # fmt: skip
        other = made(mlpk.layers.dense(units=2), "batch_norm", seed=1)
        other.load_params(tmp_path / "run.mlpk")
        self.assert_unchanged(other, self.snapshot(model))

    def test_into_another_dtype_the_values_are_cast(self, path: Path) -> None:
        double = made(mlpk.layers.dense(units=2), "batch_norm", dtype="float64")
        double.load_params(path)
        assert double.params["dense/weight"].tolist() == [[5, 5]] * 3
        assert double.params["dense/weight"].dtype == np.float64

    @pytest.mark.parametrize(
        ("layers", "sentence"),
        [
            (("dense:2",), "missing are: none; unknown are: batch_norm/beta, batch_norm/gamma"),
            (("dense:2", "batch_norm", "dense:1"), "missing are: dense_1/bias, dense_1/weight;"),
            (("dense:4", "batch_norm"), "'dense/weight': wanted shape (3, 4), found (3, 2)"),
        ],
    )
    def test_strict_wants_exactly_the_same(
        self, path: Path, layers: tuple[str, ...], sentence: str
    ) -> None:
        other = self.network(layers)
        before = self.snapshot(other)
        with pytest.raises(ShapeError) as caught:
            other.load_params(path)
        assert sentence in str(caught.value)
        self.assert_unchanged(other, before)

    def network(self, layers: tuple[str, ...]) -> Model:
        return made(
            *(
                mlpk.layers.dense(units=int(name[6:])) if name.startswith("dense") else name
                for name in layers
            ),
            seed=1,
        )

    def test_otherwise_what_both_have_is_taken(self, path: Path) -> None:
        other = self.network(("dense:2", "relu", "dense:1"))
        before = other.params["dense_1/weight"].copy()
        assert other.load_params(path, strict=False) == ["dense/weight", "dense/bias"]
        assert other.params["dense/weight"].tolist() == [[5, 5]] * 3
        assert np.array_equal(other.params["dense_1/weight"], before)
        assert made("relu").load_params(path, strict=False) == []

    def test_shapes_must_be_equal_all_the_same(self, path: Path) -> None:
        other = self.network(("dense:4",))
        before = self.snapshot(other)
        with pytest.raises(ShapeError, match=r"wanted shape \(3, 4\), found \(3, 2\)"):
            other.load_params(path, strict=False)
        self.assert_unchanged(other, before)

    def test_values_that_would_lose_their_meaning_are_refused(
        self, model: Model, tmp_path: Path
    ) -> None:
        before = self.snapshot(model)
        for dtype in (np.complex64, np.complex128):
            data = self.unknown(model, {"dense/bias": np.ones(2, dtype)})
            (tmp_path / "a.mlpk").write_bytes(data)
            with pytest.raises(ShapeError, match=r"'dense/bias': wanted dtype float32, found c"):
                model.load_params(tmp_path / "a.mlpk")
            self.assert_unchanged(model, before)

    def unknown(self, model: Model, arrays: dict[str, Any]) -> bytes:
        """Return a file whose first node is of an unknown kind, and may have any arrays."""
        spec = plain(model.spec)
        spec["nodes"][0]["id"] = "other:kind"
        claim = {"dist": "other", "ids": ["other:kind"], "version": "1"}
        return crafted(model, arrays, spec=spec, plugins=[claim])

    @pytest.mark.parametrize("number", [1e39, -1e300])
    def test_numbers_that_would_become_infinite_are_refused(
        self, tmp_path: Path, number: float
    ) -> None:
        double = made(mlpk.layers.dense(units=2), "batch_norm", dtype="float64")
        double.params["dense/bias"][...] = np.inf, 1e-300
        double.save(tmp_path / "a.mlpk")
        single = made(mlpk.layers.dense(units=2), "batch_norm", seed=1)
        single.load_params(tmp_path / "a.mlpk")
        assert single.params["dense/bias"].tolist() == [np.inf, 0]
        double.params["dense/bias"][1] = number
        double.save(tmp_path / "a.mlpk")
        before = self.snapshot(single)
        with pytest.raises(DataError) as caught:
            single.load_params(tmp_path / "a.mlpk")
        where = f"{tmp_path / 'a.mlpk'}, 'dense/bias'"
        assert str(caught.value) == f"{where}: wanted numbers that float32 can hold, found {number}"
        self.assert_unchanged(single, before)

    def test_whole_numbers_that_would_become_others_are_refused(
        self, acting: Acting, tmp_path: Path
    ) -> None:
        with acting(acme="1"):
            model = made("gate")
            for number in (2**63 - 1, 2**63):
                data = self.unknown(model, {"gate/seen": np.array(number, np.uint64)})
                (tmp_path / "a.mlpk").write_bytes(data)
                if number < 2**63:
                    model.load_params(tmp_path / "a.mlpk")
                    continue
                with pytest.raises(DataError, match=f"numbers that int64 can hold, found {number}"):
                    model.load_params(tmp_path / "a.mlpk")
            assert model.buffers["gate/seen"] == 2**63 - 1

    def test_a_network_that_does_not_hold_is_refused_first(
        self, model: Model, tmp_path: Path
    ) -> None:
        before = self.snapshot(model)
        (tmp_path / "a.mlpk").write_bytes(crafted(model, {"dense/bias": np.ones(3, np.float32)}))
        with pytest.raises(FileFormatError, match=r"a\.mlpk: tensors\.dense/bias: wanted float32"):
            model.load_params(tmp_path / "a.mlpk", strict=False)
        self.assert_unchanged(model, before)

    def test_unknown_kinds_have_their_arrays_taken_all_the_same(
        self, model: Model, tmp_path: Path
    ) -> None:
        data = self.unknown(model, {"dense/bias": np.full(2, 7, np.float32)})
        (tmp_path / "a.mlpk").write_bytes(data)
        assert "dense/bias" in model.load_params(tmp_path / "a.mlpk")
        assert model.params["dense/bias"].tolist() == [7, 7]

    @pytest.mark.parametrize("strict", ["no", None, 1])
    def test_strict_is_true_or_false(self, model: Model, path: Path, strict: Any) -> None:
        with pytest.raises(ConfigError, match=r"^strict: wanted true or false"):
            model.load_params(path, strict=strict)

    def test_a_damaged_file_changes_nothing(self, model: Model, path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[-70] ^= 1
        path.write_bytes(data)
        other = made(mlpk.layers.dense(units=2), "batch_norm", seed=1)
        before = self.snapshot(other)
        with pytest.raises(FileFormatError):
            other.load_params(path)
        self.assert_unchanged(other, before)
        with pytest.raises(FileAccessError):
            other.load_params(path.parent / "nothing.mlpk")
        self.assert_unchanged(other, before)

    def test_part_of_a_network_takes_its_part(self, path: Path) -> None:
        other = made(mlpk.layers.dense(units=2), "batch_norm", seed=1)
        part = other.submodel("dense")
        assert part.load_params(path, strict=False) == ["dense/weight", "dense/bias"]
        assert other.params["dense/weight"].tolist() == [[5, 5]] * 3


class TestMeta:
    """The user's texts."""

    def test_they_are_kept_on_saving_again(self, model: Model, tmp_path: Path) -> None:
        path = tmp_path / "a.mlpk"
        model.save(path, meta={"classes": "0 1", "author": "é"})
        assert model.meta == {"classes": "0 1", "author": "é"}
        again = mlpk.load(path)
        again.save(path)
        assert mlpk.load(path).meta == {"classes": "0 1", "author": "é"}
        again.save(path, meta={"b": ""})
        assert mlpk.inspect(path).meta == {"b": ""}
        again.save(path, meta={})
        assert mlpk.load(path).meta == {}

    def test_the_caller_s_dict_stays_the_caller_s(self, model: Model, tmp_path: Path) -> None:
        meta = {"a": "b"}
        model.save(tmp_path / "a.mlpk", meta=meta)
        meta["a"] = "c"
        assert model.meta == {"a": "b"}

    @pytest.mark.parametrize(
        ("meta", "where"),
        [
            ({"a": 1}, "meta['a']"),
            ({1: "a"}, "meta[1]"),
            ({"a": None}, "meta['a']"),
            ({"a": b"b"}, "meta['a']"),
            ({"a": "\ud800"}, "meta.a"),
            ({"\ud800": "a"}, "meta"),
            ("a", "meta"),
            ([("a", "b")], "meta"),
            ({str(i): "" for i in range(257)}, "meta"),
            ({"a": "x" * 2**16}, "meta"),
            ({"a": "é" * 2**15}, "meta"),
        ],
    )
    def test_what_a_file_cannot_hold_is_refused_at_once(
        self, model: Model, tmp_path: Path, meta: Any, where: str
    ) -> None:
        model.meta = {"kept": "yes"}
        with pytest.raises(ConfigError) as caught:
            model.save(tmp_path / "a.mlpk", meta=meta)
        assert caught.value.where == where
        assert model.meta == {"kept": "yes"}
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("write", [lambda model, _: mlpk.dumps(model), Model.save])
    def test_what_was_set_is_refused_in_the_same_words(
        self, model: Model, tmp_path: Path, write: Any
    ) -> None:
        model.meta = {"a": 1}  # type: ignore[dict-item] # that is the point
        with pytest.raises(ConfigError) as caught:
            write(model, tmp_path / "a.mlpk")
        assert str(caught.value) == "meta['a']: wanted text, found 1 (int)"
        assert not list(tmp_path.iterdir())

    def test_the_limits_themselves_are_allowed(self) -> None:
        for meta in ({str(i): "" for i in range(256)}, {"a": "x" * (2**16 - 1)}):
            assert model_file.checked_meta(meta) == meta

    def test_they_stay_as_they_were_when_saving_fails(self, model: Model, tmp_path: Path) -> None:
        model.meta = {"kept": "yes"}
        with pytest.raises(FileAccessError):
            model.save(tmp_path / "nowhere" / "a.mlpk", meta={"a": "b"})
        assert model.meta == {"kept": "yes"}


class Undecided:
    """A path that turns out to be one of bytes."""

    def __fspath__(self) -> bytes:
        return b"a.mlpk"


class TestTarget:
    """A place to write to is looked at before hours of work depend on it."""

    def test_a_file_in_a_folder_that_is_there_will_do(self, tmp_path: Path) -> None:
        check_target(str(tmp_path / "a.mlpk"))
        (tmp_path / "a.mlpk").write_text("")
        check_target(str(tmp_path / "a.mlpk"))
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mlpk"]

    @pytest.mark.parametrize("path", [None, 3, b"a.mlpk", io.BytesIO(), Undecided()])
    def test_what_is_no_path_is_refused_everywhere(self, model: Model, path: Any) -> None:
        ways: list[Callable[[Any], Any]] = [
            mlpk.load, mlpk.inspect, mlpk.load_arrays, model.save, model.load_params
        ]  # fmt: skip
        for way in ways:
            with pytest.raises(ConfigError) as caught:
                way(path)
            assert caught.value.where == "path"
            problem = f"wanted a path as text or a pathlib.Path, found {shown(path)}"
            assert caught.value.problem.startswith(problem)
            assert ("loads takes the bytes" in caught.value.problem) == isinstance(path, bytes)

    def test_others_will_not(self, tmp_path: Path) -> None:
        with pytest.raises(FileAccessError, match="wanted a regular file to write, found a folder"):
            check_target(str(tmp_path))
        with pytest.raises(FileAccessError, match=r"there is no folder .*nowhere; make it"):
            check_target(str(tmp_path / "nowhere" / "a.mlpk"))


class TestCheckpoint:
    """A file that a training run left."""

    def test_header_and_all_tensors_come_after_every_check(
        self, model: Model, tmp_path: Path
    ) -> None:
        path, x = tmp_path / "run.mlpk", np.random.default_rng(0).random((8, 3), np.float32)
        options: dict[str, Any] = {"loss": "mean_squared_error", "progress": False}
        model.fit(x, x[:, :2], optimizer="momentum", checkpoint=path, **options)
        header, arrays = model_file.checkpoint(path)
        assert header.state is not None
        assert header.state.optimizer.id == "momentum"
        (slot,) = header.state.optimizer.slots
        assert arrays[f"slot:dense/weight/{slot}"].shape == (3, 2)
        assert np.array_equal(arrays["dense/weight"], model.params["dense/weight"])
        assert np.array_equal(mlpk.load(path).predict(x), model.predict(x))

    def test_what_no_network_declares_is_refused(self, model: Model, tmp_path: Path) -> None:
        (tmp_path / "a.mlpk").write_bytes(crafted(model, {"dense/bias": None}))
        with pytest.raises(FileFormatError, match="missing are: dense/bias"):
            model_file.checkpoint(tmp_path / "a.mlpk")


def test_a_flipped_bit_in_the_state_of_a_run_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    model = mlpk.Model([mlpk.layers.dense(units=2)], input_shape=(3,), seed=0)
    model.fit(
        np.ones((4, 3)), np.ones((4, 2)), loss="mean_squared_error", optimizer="adam",
        checkpoint=path, progress=False,
    )  # fmt: skip
    data = bytearray(path.read_bytes())
    for name in ("slot:dense/weight/m", "slot:dense/bias/v"):
        place = data.index(mlpk.load_arrays(path)[name].tobytes())
        assert place % 64 == 0
        flipped = bytes(data[:place]) + bytes([data[place] ^ 1]) + bytes(data[place + 1 :])
        with pytest.raises(FileFormatError, match="do not match their digest"):
            mlpk.loads(flipped)

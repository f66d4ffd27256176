"""Parameters and buffers by name, exact shapes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import ConfigError, DataError, FileAccessError, FileFormatError, Model, ShapeError
from mlpk_schemas.records import plain

Acting = Callable[..., AbstractContextManager[None]]
Made = Callable[..., Model]
Crafted = Callable[..., bytes]
Unknown = Callable[..., bytes]


@pytest.fixture
def path(model: Model, tmp_path: Path) -> Path:
    model.params["dense/weight"][:] = 5
    model.buffers["batch_norm/running_mean"][:] = 3
    model.save(tmp_path / "a.mlpk")
    return tmp_path / "a.mlpk"


@pytest.fixture
def network(made: Made) -> Made:
    """Return what makes a network of names, "dense:2" among them."""

    def make(layers: tuple[str, ...]) -> Model:
        dense = mlpk.layers.dense
        each = (dense(units=int(name[6:])) if name.startswith("dense") else name for name in layers)
        return made(*each, seed=1)

    return make


@pytest.fixture
def unknown(model: Model, crafted: Crafted) -> Unknown:
    """Return what makes a file whose first node is of an unknown kind, and may have any arrays."""

    def make(arrays: dict[str, Any], of: Model = model) -> bytes:
        spec = plain(of.spec)
        spec["nodes"][0]["id"] = "other:kind"
        claim = {"dist": "other", "ids": ["other:kind"], "version": "1"}
        return crafted(of, arrays, spec=spec, plugins=[claim])

    return make


def snapshot(model: Model) -> dict[str, Any]:
    return {name: a.copy() for name, a in {**model.params, **model.buffers}.items()}


def assert_unchanged(model: Model, before: dict[str, Any]) -> None:
    for name, array in {**model.params, **model.buffers}.items():
        assert np.array_equal(array, before[name])


def test_it_takes_all_of_the_same_names(made: Made, model: Model, path: Path) -> None:
    other = made(mlpk.layers.dense(units=2), "batch_norm", seed=1)
    arena = other.storage.arena
    assert arena is not None
    assert other.load_params(path) == [*other.params, *other.buffers]
    assert_unchanged(other, snapshot(model))
    assert np.shares_memory(other.params["dense/weight"], arena.flat)


def test_a_training_run_s_file_serves_as_well(made: Made, model: Model, tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((8, 3), np.float32)
    model.fit(
        x, x[:, :2], loss="mean_squared_error", optimizer="momentum", batch_size=4,
        progress=False, checkpoint=tmp_path / "run.mlpk",
    )  # fmt: skip
    other = made(mlpk.layers.dense(units=2), "batch_norm", seed=1)
    other.load_params(tmp_path / "run.mlpk")
    assert_unchanged(other, snapshot(model))


def test_into_another_dtype_the_values_are_cast(made: Made, path: Path) -> None:
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
    network: Made, path: Path, layers: tuple[str, ...], sentence: str
) -> None:
    other = network(layers)
    before = snapshot(other)
    with pytest.raises(ShapeError) as caught:
        other.load_params(path)
    assert sentence in str(caught.value)
    assert_unchanged(other, before)


def test_otherwise_what_both_have_is_taken(made: Made, network: Made, path: Path) -> None:
    other = network(("dense:2", "relu", "dense:1"))
    before = other.params["dense_1/weight"].copy()
    assert other.load_params(path, strict=False) == ["dense/weight", "dense/bias"]
    assert other.params["dense/weight"].tolist() == [[5, 5]] * 3
    assert np.array_equal(other.params["dense_1/weight"], before)
    assert made("relu").load_params(path, strict=False) == []


def test_shapes_must_be_equal_all_the_same(network: Made, path: Path) -> None:
    other = network(("dense:4",))
    before = snapshot(other)
    with pytest.raises(ShapeError, match=r"wanted shape \(3, 4\), found \(3, 2\)"):
        other.load_params(path, strict=False)
    assert_unchanged(other, before)


def test_values_that_would_lose_their_meaning_are_refused(
    unknown: Unknown, model: Model, tmp_path: Path
) -> None:
    before = snapshot(model)
    for dtype in (np.complex64, np.complex128):
        data = unknown({"dense/bias": np.ones(2, dtype)})
        (tmp_path / "a.mlpk").write_bytes(data)
        with pytest.raises(ShapeError, match=r"'dense/bias': wanted dtype float32, found c"):
            model.load_params(tmp_path / "a.mlpk")
        assert_unchanged(model, before)


@pytest.mark.parametrize("number", [1e39, -1e300])
def test_numbers_that_would_become_infinite_are_refused(
    made: Made, tmp_path: Path, number: float
) -> None:
    double = made(mlpk.layers.dense(units=2), "batch_norm", dtype="float64")
    double.params["dense/bias"][...] = np.inf, 1e-300
    double.save(tmp_path / "a.mlpk")
    single = made(mlpk.layers.dense(units=2), "batch_norm", seed=1)
    single.load_params(tmp_path / "a.mlpk")
    assert single.params["dense/bias"].tolist() == [np.inf, 0]
    double.params["dense/bias"][1] = number
    double.save(tmp_path / "a.mlpk")
    before = snapshot(single)
    with pytest.raises(DataError) as caught:
        single.load_params(tmp_path / "a.mlpk")
    where = f"{tmp_path / 'a.mlpk'}, 'dense/bias'"
    assert str(caught.value) == f"{where}: wanted numbers that float32 can hold, found {number}"
    assert_unchanged(single, before)


def test_whole_numbers_that_would_become_others_are_refused(
    made: Made, unknown: Unknown, acting: Acting, tmp_path: Path
) -> None:
    with acting(acme="1"):
        model = made("gate")
        for number in (2**63 - 1, 2**63):
            data = unknown({"gate/seen": np.array(number, np.uint64)}, model)
            (tmp_path / "a.mlpk").write_bytes(data)
            if number < 2**63:
                model.load_params(tmp_path / "a.mlpk")
                continue
            with pytest.raises(DataError, match=f"numbers that int64 can hold, found {number}"):
                model.load_params(tmp_path / "a.mlpk")
        assert model.buffers["gate/seen"] == 2**63 - 1


def test_a_network_that_does_not_hold_is_refused_first(
    crafted: Crafted, model: Model, tmp_path: Path
) -> None:
    before = snapshot(model)
    (tmp_path / "a.mlpk").write_bytes(crafted(model, {"dense/bias": np.ones(3, np.float32)}))
    with pytest.raises(FileFormatError, match=r"a\.mlpk: tensors\.dense/bias: wanted float32"):
        model.load_params(tmp_path / "a.mlpk", strict=False)
    assert_unchanged(model, before)


def test_unknown_kinds_have_their_arrays_taken_all_the_same(
    unknown: Unknown, model: Model, tmp_path: Path
) -> None:
    data = unknown({"dense/bias": np.full(2, 7, np.float32)})
    (tmp_path / "a.mlpk").write_bytes(data)
    assert "dense/bias" in model.load_params(tmp_path / "a.mlpk")
    assert model.params["dense/bias"].tolist() == [7, 7]


@pytest.mark.parametrize("strict", ["no", None, 1])
def test_strict_is_true_or_false(model: Model, path: Path, strict: Any) -> None:
    with pytest.raises(ConfigError, match=r"^strict: wanted true or false"):
        model.load_params(path, strict=strict)


def test_a_damaged_file_changes_nothing(made: Made, path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-70] ^= 1
    path.write_bytes(data)
    other = made(mlpk.layers.dense(units=2), "batch_norm", seed=1)
    before = snapshot(other)
    with pytest.raises(FileFormatError):
        other.load_params(path)
    assert_unchanged(other, before)
    with pytest.raises(FileAccessError):
        other.load_params(path.parent / "nothing.mlpk")
    assert_unchanged(other, before)


def test_part_of_a_network_takes_its_part(made: Made, path: Path) -> None:
    other = made(mlpk.layers.dense(units=2), "batch_norm", seed=1)
    part = other.submodel("dense")
    assert part.load_params(path, strict=False) == ["dense/weight", "dense/bias"]
    assert other.params["dense/weight"].tolist() == [[5, 5]] * 3

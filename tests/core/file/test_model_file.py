"""From graph and arrays to header and tensors, and back; the bytes have tests of their own."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import FileFormatError, MissingPluginError, MlpkError, Model
from mlpk.file import model_file
from mlpk_schemas.records import plain

Made = Callable[..., Model]
Crafted = Callable[..., bytes]


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
def test_others_are_refused(crafted: Crafted, model: Model, arrays: Any, sentence: str) -> None:
    for missing in ("error", "opaque"):
        with pytest.raises(FileFormatError) as caught:
            mlpk.loads(crafted(model, arrays), missing=missing)
        assert sentence in str(caught.value)


def test_a_file_that_names_more_slots_than_it_holds_is_refused_at_once(
    made: Made, crafted: Crafted, tmp_path: Path
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


def test_a_crafted_file_that_is_in_order_loads(crafted: Crafted, model: Model) -> None:
    assert mlpk.loads(crafted(model)).spec == model.spec


def test_a_wrong_spec_is_a_wrong_file(crafted: Crafted, model: Model, tmp_path: Path) -> None:
    spec = plain(model.spec)
    spec["nodes"][0]["config"]["units"] = 0
    (tmp_path / "a.mlpk").write_bytes(crafted(model, spec=spec))
    with pytest.raises(FileFormatError) as caught:
        mlpk.load(tmp_path / "a.mlpk")
    path = str(tmp_path / "a.mlpk")
    assert str(caught.value) == (f"{path}: must be >= 1: 0 (at field spec.nodes[0].config.units)")
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
def test_so_is_any_other_fault_of_a_node(
    crafted: Crafted, model: Model, place: str, value: Any
) -> None:
    spec = plain(model.spec)
    spec["nodes"][0][place] = value
    with pytest.raises(FileFormatError):
        mlpk.loads(crafted(model, spec=spec))


def test_a_newer_schema_is_no_fault_of_the_file(crafted: Crafted, model: Model) -> None:
    spec = plain(model.spec)
    spec["nodes"][0]["schema"] = 2
    with pytest.raises(MissingPluginError, match="'dense' has schema 2 there and 1 in mlpk"):
        mlpk.loads(crafted(model, spec=spec))


def test_text_of_the_file_is_escaped_and_cut_in_messages(crafted: Crafted, model: Model) -> None:
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


def test_header_and_all_tensors_come_after_every_check(model: Model, tmp_path: Path) -> None:
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


def test_what_no_network_declares_is_refused(
    crafted: Crafted, model: Model, tmp_path: Path
) -> None:
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

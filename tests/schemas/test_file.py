from __future__ import annotations

from typing import Any

import pytest

from mlpk_schemas import Header, TrainState
from mlpk_schemas.errors import ConfigError
from mlpk_schemas.records import build, plain

KIND: dict[str, Any] = {"id": "sgd", "schema": 1, "config": {"lr": 0.1}}
STATE: dict[str, Any] = {
    "optimizer": {**KIND, "step": 3, "slots": ["velocity"]},
    "loss": {"dense": {"id": "mean_squared_error", "schema": 1, "config": {}}},
    "seed": 0,
    "implementation": "numpy",
    "fit": {
        "epoch": 1,
        "batch": 0,
        "step": 3,
        "batch_size": 32,
        "rows": None,
        "options": {"shuffle": True, "regularizer": {**KIND, "id": "l2"}},
        "lr_factor": 1.0,
        "stopped": False,
        "callbacks": {"early_stopping": {"best": {"float": "inf"}}},
        "running": {},
        "history": ["loss"],
    },
}
HEADER: dict[str, Any] = {
    "critical": [],
    "ext": {"anything": [1, {"goes": None}]},
    "generator": "mlpk 1.0.0",
    "meta": {"classes": "0 1"},
    "pad": b"\0\0",
    "plugins": [{"dist": "acme", "version": "1.0", "ids": ["acme:gate"]}],
    "spec": {"dtype": "float32", "inputs": [], "nodes": [], "outputs": []},
    "state": STATE,
    "tensors": {"a/b": {"at": 10, "dtype": "f32", "nbytes": 8, "shape": [2], "sha256": b"0" * 32}},
}


def test_a_header_is_read_and_written_back_with_nothing_lost() -> None:
    header = build(Header, HEADER, "", strict=True)
    assert isinstance(header.state, TrainState)
    assert header.tensors["a/b"].shape == (2,)
    assert header.plugins[0].ids == ("acme:gate",)
    assert plain(header) == HEADER


def test_a_model_alone_has_no_state() -> None:
    assert build(Header, {**HEADER, "state": None}, "", strict=True).state is None


@pytest.mark.parametrize("name", list(HEADER))
def test_every_key_is_wanted(name: str) -> None:
    rest = {key: value for key, value in HEADER.items() if key != name}
    with pytest.raises(ConfigError, match=f"^{name}: this field is missing$"):
        build(Header, rest, "", strict=True)


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("more", 1, "more"),
        ("generator", b"mlpk", "generator"),
        ("meta", {"classes": 10}, "meta.classes"),
        ("pad", "", "pad"),
        ("ext", {"a": b""}, "ext.a"),
        ("critical", "none", "critical"),
        ("plugins", [{"dist": "acme", "version": 1, "ids": []}], "plugins[0].version"),
        ("state", {**STATE, "seed": 0.0}, "state.seed"),
        ("state", {**STATE, "loss": {"a": {**KIND, "more": 1}}}, "state.loss.a.more"),
        ("state", {**STATE, "optimizer": KIND}, "state.optimizer.step"),
        ("state", {**STATE, "fit": {**STATE["fit"], "epoch": -1}}, "state.fit.epoch"),
        ("tensors", {"a/b": {**HEADER["tensors"]["a/b"], "dtype": "float32"}}, "tensors.a/b.dtype"),
        ("tensors", {"a/b": {**HEADER["tensors"]["a/b"], "at": -1}}, "tensors.a/b.at"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(name: str, value: Any, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(Header, {**HEADER, name: value}, "", strict=True)
    assert caught.value.where == where

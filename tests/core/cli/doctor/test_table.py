"""mlpk doctor: what a file needs, against what is here, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mlpk
from mlpk import catalog

Read = Callable[[Any], tuple[dict[str, str], dict[str, list[str]]]]


def test_a_run_that_can_go_on(run, trained: Path, told: Read) -> None:
    result = run("doctor", trained)
    assert (result.exit_code, result.stderr) == (0, "")
    facts, kinds = told(result)
    assert facts["format"] == f"1.0, which mlpk {mlpk.__version__} reads"
    assert facts["digest"] == run("id", trained).stdout.strip()
    assert facts["bytes"] == "each is as it was written"
    assert facts["loading"] == "works"
    assert facts["training"] == "epoch 2, 46 updates, computed by 'numpy'; can go on"
    here = f"mlpk {mlpk.__version__}"
    assert kinds["dense"] == ["layers", "1", "1", "mlpk", here, "active"]
    assert kinds["adam"] == ["optimizers", "1", "1", "mlpk", here, "active"]
    assert kinds["softmax_cross_entropy"][0] == "losses"
    assert kinds["accuracy"][0] == "-"


@pytest.mark.filterwarnings("ignore::mlpk.plugins.PortabilityWarning")
def test_what_was_added_by_hand_is_here_and_nowhere_else(
    run, tmp_path: Path, told: Read, acme: Any
) -> None:
    path = tmp_path / "m.mlpk"
    acme.put(acme.Half)
    mlpk.plugins.add(acme.Gate)
    mlpk.Model(["gate"], input_shape=(2,)).save(path)
    result = run("doctor", path)
    _, kinds = told(result)
    assert result.exit_code == 0
    note = "active: no other program has it: it was added, not installed"
    assert kinds["_local:gate"] == ["layers", "1", "1", "_local", "_local", note]


def test_claims_stand_beside_what_is_installed(run, path: Path, told: Read, acme: Any) -> None:
    acme.put(acme.Gate, acme.Half, version="9")
    result = run("doctor", path)
    assert result.exit_code == 0
    facts, kinds = told(result)
    assert kinds["acme:gate"] == ["layers", "1", "1", "acme 2.1", "acme 9", "active"]
    assert facts["training"] == "no state kept"


@pytest.mark.parametrize(
    ("state", "error", "row"),
    [
        (None, None, ["-", "missing: is not installed"]),
        ("blocked", "kept out by MLPK_PLUGINS", [
            "acme 2.1", "missing: acme 2.1 is blocked: kept out by MLPK_PLUGINS"]),
        ("failed", "Traceback:\nKeyError: 'x'\n", [
            "acme 2.1", "missing: acme 2.1 failed to load: KeyError: 'x'"]),
        ("active", None, ["acme 2.1", "missing: acme 2.1 is active, and has no such kind"]),
    ],
)  # fmt: skip
def test_an_absent_plugin_is_told_from_a_blocked_and_a_failed_one(
    run, path: Path, state: str | None, error: str | None, row: list[str], told: Read, acme: Any
) -> None:
    acme.put(state=state, error=error)
    if state is None:
        held = catalog.current()
        records = [record for record in held.records if record.dist != "acme"]
        catalog.swap(lambda _: catalog.Catalog(held.brought, records))
    result = run("doctor", path)
    assert result.exit_code == 1
    facts, kinds = told(result)
    assert kinds["acme:gate"] == ["layers", "1", "-", "acme 2.1", *row]
    assert "1 kind of this file is not active here: 'acme:gate'" in facts["loading"]
    with pytest.raises(mlpk.MissingPluginError) as caught:
        mlpk.load(path)
    assert str(caught.value) == f"{path}: {facts['loading']}"
    assert caught.value.path == str(path)
    reason = row[1].removeprefix("missing: ")
    assert (reason in str(caught.value)) == (state is not None)


def test_older_kinds_are_fine_and_newer_ones_are_not(
    run, path: Path, told: Read, acme: Any
) -> None:
    acme.put(acme.gate(lambda old: old), acme.Half, version="3")
    result = run("doctor", path)
    assert result.exit_code == 0
    assert told(result)[1]["acme:gate"][-1] == "older: read through migrations, from schema 1 to 2"
    mlpk.load(path).save(path)
    acme.put(acme.Gate, acme.Half)
    result = run("doctor", path)
    assert result.exit_code == 1
    assert told(result)[1]["acme:gate"] == [
        "layers", "2", "1", "acme 3", "acme 2.1", "newer: needs a newer release than 2.1"
    ]  # fmt: skip


def test_json(run, path: Path, trained: Path) -> None:
    found = json.loads(run("doctor", path, "--json").stdout)
    assert found["healthy"] is True
    assert found["kinds"][0] == {
        "id": "acme:gate", "family": "layers", "schema": 1, "here": 1, "state": "active",
        "claimed": {"dist": "acme", "version": "2.1"},
        "installed": {"dist": "acme", "version": "2.1"}, "remark": None,
    }  # fmt: skip
    assert found["training"] is None
    found = json.loads(run("doctor", trained, "--json").stdout)
    assert found["training"] == {
        "epoch": 2, "step": 46, "ended": False, "reason": None, "implementation": "numpy",
        "here": "numpy", "problem": None,
    }  # fmt: skip
    trained.write_bytes(b"")
    result = run("doctor", trained, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["healthy"], found["kinds"]) == (1, False, [])
    assert found["damage"]


def test_a_run_that_another_implementation_would_go_on_with(
    run, trained: Path, implementing: Any, told: Read
) -> None:
    def update(optimizer: Any, param: Any, grad: Any, slots: Any, step: Any) -> None:
        optimizer.update(param, grad, slots, step)

    implementing("swift", mlpk.Implementation("adam", update=update), version="2.1")
    facts, _ = told(run("doctor", trained))
    assert facts["training"] == (
        "epoch 2, 46 updates, computed by 'numpy' (here 'swift 2.1' computes, and the bits will "
        "differ); can go on"
    )
    training = json.loads(run("doctor", trained, "--json").stdout)["training"]
    assert (training["implementation"], training["here"]) == ("numpy", "swift 2.1")
    with mlpk.use("numpy"):
        facts, _ = told(run("doctor", trained))
    assert facts["training"] == "epoch 2, 46 updates, computed by 'numpy'; can go on"

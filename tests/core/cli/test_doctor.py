"""mlpk doctor: what a file needs, against what is here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import mlpk
from mlpk import Declaration, Initializer, Layer, Param, catalog, define
from mlpk.file import reader, writer
from mlpk.file.source import Source
from mlpk.migration import computed
from mlpk_schemas.records import plain, values


@define
class Half(Initializer):
    kind = "half"

    def draw(self, rng: Any, shape: tuple[int, ...], fans: tuple[int, int]) -> Any:
        return np.full(shape, 0.5)


class Scaled(Layer):
    def declare(self, x: Any) -> Declaration:
        return Declaration(x, {"w": Param((x[-1],), "half")})

    def forward(self, arrays: Any, ctx: Any, x: Any) -> Any:
        return x * arrays["w"], x

    def backward(self, arrays: Any, ctx: Any, x: Any, dy: Any, grads: Any) -> Any:
        grads["w"][...] = (x * dy).sum(0)
        return dy * arrays["w"]

    @classmethod
    def examples(cls) -> Iterator[mlpk.Example]:
        yield mlpk.Example(cls(), (2,))


@define
class Gate(Scaled):
    kind = "gate"


@define
class LaterGate(Scaled):
    kind = "gate"
    schema = 2
    migrations: ClassVar[Any] = {1: lambda old: old}


def put(
    *things: Any, state: Any = "active", error: str | None = None, version: str = "2.1"
) -> None:
    held = catalog.current()
    kept = [item for item in held.brought if item.dist != "acme"]
    records = [record for record in held.records if record.dist != "acme"]
    brought = [catalog.Brought(thing.family, thing.kind, "acme", thing) for thing in things]
    record = catalog.Record("acme", version, state, 0.0, (), error)
    catalog.swap(lambda _: catalog.Catalog([*kept, *brought], [*records, record]))


@pytest.fixture
def path(own_catalog: None, tmp_path: Path) -> Path:
    """Return a file that needs the gate of acme 2.1, which is active."""
    del own_catalog
    put(Gate, Half)
    mlpk.Model(["gate", "relu"], input_shape=(2,), seed=0).save(tmp_path / "m.mlpk")
    return tmp_path / "m.mlpk"


def told(result: Any) -> tuple[dict[str, str], dict[str, list[str]]]:
    facts, _, rest = result.stdout.partition("\n\n")
    listed = [line.split(maxsplit=1) for line in facts.splitlines()]
    rows = [
        [cell.strip() for cell in line.split("  ") if cell.strip()]
        for line in rest.splitlines()[2:]
    ]
    return dict(listed), {row[0]: row[1:] for row in rows}


def test_a_run_that_can_go_on(run, trained: Path) -> None:
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


@pytest.mark.usefixtures("own_catalog")
@pytest.mark.filterwarnings("ignore::mlpk.plugins.PortabilityWarning")
def test_what_was_added_by_hand_is_here_and_nowhere_else(run, tmp_path: Path) -> None:
    path = tmp_path / "m.mlpk"
    put(Half)
    mlpk.plugins.add(Gate)
    mlpk.Model(["gate"], input_shape=(2,)).save(path)
    result = run("doctor", path)
    _, kinds = told(result)
    assert result.exit_code == 0
    note = "active: no other program has it: it was added, not installed"
    assert kinds["_local:gate"] == ["layers", "1", "1", "_local", "_local", note]


def test_claims_stand_beside_what_is_installed(run, path: Path) -> None:
    put(Gate, Half, version="9")
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
    run, path: Path, state: str | None, error: str | None, row: list[str]
) -> None:
    put(state=state, error=error)
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


def test_older_kinds_are_fine_and_newer_ones_are_not(run, path: Path) -> None:
    put(LaterGate, Half, version="3")
    result = run("doctor", path)
    assert result.exit_code == 0
    assert told(result)[1]["acme:gate"][-1] == "older: read through migrations, from schema 1 to 2"
    mlpk.load(path).save(path)
    put(Gate, Half)
    result = run("doctor", path)
    assert result.exit_code == 1
    assert told(result)[1]["acme:gate"] == [
        "layers", "2", "1", "acme 3", "acme 2.1", "newer: needs a newer release than 2.1"
    ]  # fmt: skip


def test_a_migration_that_fails_when_it_is_run(run, path: Path) -> None:
    def step(old: Any) -> Any:
        old.params["w"] = computed(lambda _: 1 / 0, old.params["w"])
        return old

    names = {"kind": "gate", "schema": 2, "migrations": {1: step}, "__annotations__": {}}
    put(define(type("Gate", (Scaled,), names)), Half, version="3")
    result = run("doctor", path)
    assert result.exit_code == 1
    facts, _ = told(result)
    assert facts["loading"] == "a migration failed: ZeroDivisionError: division by zero"
    with pytest.raises(mlpk.FileFormatError, match=f"^{path}: {facts['loading']}$"):
        mlpk.load(path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    facts, _ = told(run("doctor", path))
    assert facts["loading"] == "fails: it is damaged"


def rewritten(path: Path, arrays: dict[str, Any] | None = None, **fields: Any) -> None:
    with Source.open(path) as source:
        header = values(reader.read_header(source))
    del header["tensors"], header["pad"]
    path.write_bytes(
        writer.dump({**header, **fields}, {**mlpk.load_arrays(path), **(arrays or {})})
    )


def test_a_state_that_cannot_be_restored(run, trained: Path) -> None:
    state = plain(mlpk.inspect(trained).state)
    state["implementation"] = "fast"
    rewritten(trained, state=state)
    result = run("doctor", trained)
    assert result.exit_code == 0
    assert "computed by 'fast' (here 'numpy' computes, and the bits will differ)" in result.stdout
    state["optimizer"]["config"]["lr"] = -1.0
    rewritten(trained, state=state)
    result = run("doctor", trained)
    assert result.exit_code == 1
    facts, _ = told(result)
    assert facts["loading"] == "works"
    assert (
        "cannot go on: must be >= 0: -1.0 (at field state.optimizer.config.lr)" in facts["training"]
    )


class Watch:
    """A callback with state, whose kind is registered for a while."""

    kind = "watch"

    def state(self):
        return {"seen": 1}

    def restore(self, state):
        pass

    @mlpk.hookimpl
    def mlpk_epoch_end(self):
        pass


@pytest.mark.usefixtures("own_catalog")
def test_a_run_whose_callback_is_not_here(run, tmp_path: Path) -> None:
    path = tmp_path / "run.mlpk"
    model = mlpk.Model([mlpk.layers.dense(units=2)], input_shape=(3,), seed=0)
    x = np.ones((4, 3), np.float32)
    callbacks = [Watch(), Watch(), mlpk.callbacks.early_stopping(monitor="loss")]
    model.fit(x, x[:, :2], loss="mean_squared_error", optimizer="sgd", progress=False,
              callbacks=callbacks, checkpoint=path)  # fmt: skip
    result = run("doctor", path)
    assert result.exit_code == 1
    facts, _ = told(result)
    assert facts["training"].endswith(
        "cannot go on: no plugin here has its callbacks watch, watch_1; a program that has them "
        "may go on"
    )
    held = catalog.current()
    brought = [*held.brought, catalog.Brought("callbacks", "watch", "acme", Watch)]
    catalog.swap(lambda _: catalog.Catalog(brought, held.records))
    result = run("doctor", path)
    assert result.exit_code == 0
    assert told(result)[0]["training"].endswith("; can go on")


def test_a_damaged_array_and_arrays_that_do_not_fit(run, trained: Path) -> None:
    data = bytearray(trained.read_bytes())
    data[data.index(mlpk.load_arrays(trained)["head/weight"].tobytes())] ^= 1
    damaged = trained.with_name("damaged.mlpk")
    damaged.write_bytes(data)
    result = run("doctor", damaged)
    facts, _ = told(result)
    assert result.exit_code == 1
    assert facts["bytes"].endswith("the bytes of this tensor do not match their digest")
    assert facts["loading"] == "fails: it is damaged"
    rewritten(trained, {"head/bias": np.zeros(3, np.float32)})
    facts, _ = told(run("doctor", trained))
    assert facts["bytes"] == "each is as it was written"
    assert "wanted float32 of shape (16,), found f32 of shape (3,)" in facts["loading"]
    assert facts["training"].endswith("cannot go on: the file does not load here")


def test_what_is_no_model_at_all(run, tmp_path: Path) -> None:
    (tmp_path / "m.mlpk").write_bytes(b"hello")
    result = run("doctor", tmp_path / "m.mlpk")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].split() == ["size", "5", "B", "(5", "bytes)"]
    assert run("doctor", tmp_path / "absent.mlpk").exit_code == 2


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
        "epoch": 2, "step": 46, "ended": False, "implementation": "numpy", "here": "numpy",
        "problem": None,
    }  # fmt: skip
    trained.write_bytes(b"")
    result = run("doctor", trained, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["healthy"], found["kinds"]) == (1, False, [])
    assert found["damage"]


def test_a_run_that_another_implementation_would_go_on_with(
    run, trained: Path, implementing: Any
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

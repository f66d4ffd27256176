"""mlpk doctor: damage, files that do not load, and runs that cannot go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk import catalog
from mlpk.file import reader, writer
from mlpk.file.source import Source
from mlpk.migration import computed
from mlpk_schemas.records import plain, values

Read = Callable[[Any], tuple[dict[str, str], dict[str, list[str]]]]


def test_a_migration_that_fails_when_it_is_run(run, path: Path, told: Read, acme: Any) -> None:
    def step(old: Any) -> Any:
        old.params["w"] = computed(lambda _: 1 / 0, old.params["w"])
        return old

    acme.put(acme.gate(step), acme.Half, version="3")
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


def test_a_state_that_cannot_be_restored(run, trained: Path, told: Read) -> None:
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
def test_a_run_whose_callback_is_not_here(run, tmp_path: Path, told: Read) -> None:
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


def test_a_damaged_array_and_arrays_that_do_not_fit(run, trained: Path, told: Read) -> None:
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

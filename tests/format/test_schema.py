"""The JSON Schema of the header: it takes what is written, and refuses what it can tell."""

from __future__ import annotations

import importlib.resources
import json
import struct
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import msgpack
import numpy as np
import pytest
from click.testing import CliRunner

import mlpk
from mlpk import catalog
from mlpk.cli import main
from mlpk.example import Example
from mlpk.testing.bench import Bench

HERE = Path(__file__).parent
GOLDEN = sorted((HERE / "golden").glob("*.mlpk"))
SCHEMA = json.loads(
    importlib.resources.files("mlpk_schemas").joinpath("mlpk-1.schema.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
# What a schema cannot tell: order, sums, exact claims, 1.0 from 1, and values behind each other.
BEYOND = {
    "claim-doubled", "claim-id-in-two", "claim-ids-unsorted", "claim-missing",
    "claim-missing-for-kind-inside", "claim-missing-for-loss", "claim-missing-for-optimizer",
    "claim-missing-for-option", "claim-missing-for-schedule", "claim-superfluous", "claim-unsorted",
    "field-meta-over-64-kib", "field-state-seed-float",
    "field-state-rows-float", "field-input-length-float", "field-ext-bin", "field-generator-bin",
    "field-state-running-bin", "field-state-lr-factor-integer",
    "table-at-empty-not-zero", "table-at-gap", "table-at-in-other-tensor",
    "table-digests-of-empty", "table-digests-too-long", "table-nbytes-of-shape-wrong",
    "table-nbytes-float", "table-shape-product-overflow", "table-shape-zero-hides-overflow",
}  # fmt: skip


def view(path: Path) -> Any:
    """Return what `mlpk inspect --json` prints."""
    done = CliRunner().invoke(main, ["inspect", "--json", str(path)], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)


def raw(path: Path) -> Any:
    """Return the same of a header that no reader takes."""
    data = path.read_bytes()
    (length,) = struct.unpack(">I", data[60:64])
    tree = msgpack.unpackb(data[64 : 64 + length])
    return json.loads(json.dumps(tree, default=bytes.hex))


def check(view: Any) -> None:
    error = jsonschema.exceptions.best_match(VALIDATOR.iter_errors(view))
    assert error is None, f"{error.json_path}: {error.message}"


def examples(family: str) -> list[Any]:
    """Return every example of the first-party kinds of a family."""
    return [
        pytest.param(example, id=f"{item.kind}-{number}")
        for item in catalog.current().brought
        if item.family == family and item.dist == "mlpk"
        for number, example in enumerate(item.thing.examples())
    ]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_files_follow_it(path: Path) -> None:
    check(view(path))
    assert view(path) == raw(path)


@pytest.mark.parametrize("example", examples("layers"))
def test_a_file_of_each_layer_follows_it(example: Example, tmp_path: Path) -> None:
    Bench(example).model.save(tmp_path / "a.mlpk", durable=False)
    found = view(tmp_path / "a.mlpk")
    check(found)
    assert found["spec"]["dtype"] == "float64"


@pytest.mark.parametrize("example", examples("optimizers"))
def test_a_run_with_each_optimizer_follows_it(example: Example, tmp_path: Path) -> None:
    """Callbacks that keep state, metrics, a regularizer and a validation are in it, too."""
    x = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    model = mlpk.Model([mlpk.layers.dense(units=2), "batch_norm"], input_shape=(3,), seed=0)
    model.meta = {"Zoë": "網路"}
    model.fit(
        x, x[:, :2], loss="mean_squared_error", optimizer=example.instance, epochs=2,
        batch_size=3, validation=(x, x[:, :2]), metrics=["mean_absolute_error", "r2"],
        regularizer="l2", frozen=["dense"], lr_factors={"batch_norm": 0.5}, progress=False,
        callbacks=[
            {"kind": "early_stopping", "keep_best": False}, "reduce_on_plateau", "moving_average",
        ],
        checkpoint=tmp_path / "run.mlpk",
    )  # fmt: skip
    found = view(tmp_path / "run.mlpk")
    check(found)
    assert found["state"]["fit"]["epoch"] == 2
    assert set(found["state"]["fit"]["callbacks"]) >= {"early_stopping", "moving_average"}


@pytest.mark.parametrize("family", ["losses", "metrics", "regularizers", "schedules"])
def test_kinds_in_the_state_of_a_run_follow_it(family: str) -> None:
    state = raw(HERE / "golden" / "training.mlpk")
    for param in examples(family):
        (example,) = param.values
        kind = mlpk.kind.written(example.instance)
        changed = deepcopy(state)
        changed["state"]["loss"]["dense"] = kind
        changed["state"]["fit"]["options"]["regularizer"] = [kind]
        changed["state"]["optimizer"]["config"]["lr"] = kind
        check(json.loads(json.dumps(changed)))


@pytest.mark.parametrize(
    "path",
    [
        path
        for step in ("field", "claim", "table")
        for path in sorted((HERE / "hostile").glob(f"{step}-*.mlpk"))
    ],
    ids=lambda path: path.stem,
)
def test_it_refuses_the_hostile_headers_that_it_can(path: Path) -> None:
    assert VALIDATOR.is_valid(raw(path)) == (path.stem in BEYOND)


def paths(schema: Any, where: str) -> set[str]:
    """Return the paths of the keys that a part of the schema wants, through its references."""
    found = set()
    for key, part in schema.get("properties", {}).items():
        found |= {f"{where}{key}", *paths(part, f"{where}{key}.")}
    for inner in (
        schema.get("items"),
        schema.get("additionalProperties"),
        *schema.get("anyOf", ()),
    ):
        if isinstance(inner, dict):
            found |= paths(inner, where)
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    if name and name not in ("plain", "config", "configured", "free", "kind"):
        found |= paths(SCHEMA["$defs"][name], where)
    return found


def keys(tree: Any, where: str = "") -> set[str]:
    """Return the paths of the keys whose names are fixed in a header."""
    free = {"ext", "meta", "config", "params", "buffers", "options", "callbacks", "running", "loss"}
    found: set[str] = set()
    for item in tree if isinstance(tree, list) else [tree]:
        for key, value in item.items() if isinstance(item, dict) else ():
            inside = value.values() if key == "tensors" else [value]
            found.add(f"{where}{key}")
            for each in inside if key not in free else ():
                found |= keys(each, f"{where}{key}.")
    return found


def test_all_keys_of_a_run_s_file_are_wanted_and_no_others() -> None:
    tree = raw(HERE / "golden" / "training.mlpk")
    tree["plugins"] = [{"dist": "", "ids": [], "version": ""}]
    assert keys(tree) == paths(SCHEMA, "")

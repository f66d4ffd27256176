"""mlpk diff: what differs between two files."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlpk
from mlpk.file import reader, writer
from mlpk.file.source import Source
from mlpk_schemas.records import plain, values

LAYERS = [{"kind": "dense", "units": 4}, "relu", {"kind": "dense", "units": 2, "name": "head"}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model = mlpk.Model(LAYERS, input_shape=(3,), seed=0)
    model.save(tmp_path / "a.mlpk", meta={"who": "me"})
    return tmp_path / "a.mlpk"


def changed(path: Path, arrays: dict[str, Any] | None = None, **fields: Any) -> Path:
    """Write another file: with other arrays (None: without), and other fields of the header."""
    with Source.open(path) as source:
        header = values(reader.read_header(source))
    del header["tensors"], header["pad"]
    held = {**mlpk.load_arrays(path), **(arrays or {})}
    other = path.with_name("b.mlpk")
    kept = {name: array for name, array in held.items() if array is not None}
    other.write_bytes(writer.dump({**header, **fields}, kept))
    return other


def rows(text: str) -> dict[str, list[list[str]]]:
    """Return the rows of each table by the name of its first column."""
    found = {}
    for part in text.strip().split("\n\n"):
        head, _, *lines = part.splitlines()
        found[head.split("  ")[0]] = [
            [cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines
        ]
    return found


def test_a_file_is_the_same_as_itself(run, path: Path) -> None:
    result = run("diff", path, changed(path))
    assert (result.exit_code, result.stdout) == (0, "the files are the same\n")
    told = json.loads(run("diff", path, path, "--json").stdout)
    assert told == {
        "same": True, "spec": [], "nodes": [], "arrays": [], "state": [], "meta": [], "file": []
    }  # fmt: skip


def test_a_damaged_file_is_never_the_same(run, path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(mlpk.load_arrays(path)["dense/weight"].tobytes())] ^= 1
    damaged = path.with_name("damaged.mlpk")
    damaged.write_bytes(data)
    for pair in ((path, damaged), (damaged, path), (damaged, damaged)):
        result = run("diff", *pair)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "damaged.mlpk: the file is damaged" in result.stderr


def test_the_minor_version_and_extensions_are_compared(run, path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[15] = 7
    end = 64 + int.from_bytes(data[60:64], "big")
    data[27:59] = sha256(data[:25] + data[59:end]).digest()
    minor = path.with_name("minor.mlpk")
    minor.write_bytes(data)
    result = run("diff", path, minor)
    assert result.exit_code == 1
    assert rows(result.stdout) == {"file": [["version", "1.0", "1.7"]]}
    assert json.loads(run("diff", path, minor, "--json").stdout)["same"] is False
    found = rows(run("diff", path, changed(path, ext={"note": 1})).stdout)
    assert found == {"file": [["ext.note", "-", "1"]]}


@pytest.mark.parametrize(("a", "b"), [(1, True), (1, 1.0), (0.0, -0.0), ([1], [1.0]), ([], {})])
def test_equal_numbers_of_other_types_differ(run, path: Path, a: Any, b: Any) -> None:
    first = changed(path, ext={"n": a}).rename(path.with_name("first.mlpk"))
    result = run("diff", first, changed(path, ext={"n": b}), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["file"] == [{"where": "ext.n", "a": a, "b": b}]


def test_headers_that_no_field_tells_apart_differ_in_their_digests(run, path: Path) -> None:
    digests, names = [], ("first.mlpk", "second.mlpk")
    for name, feeds in zip(names, ("input", "head"), strict=True):
        spec = plain(mlpk.inspect(path).spec)
        spec["nodes"].insert(1, {**spec["nodes"][1], "inputs": [feeds]})  # a name that is taken
        other = changed(path, spec=spec).rename(path.with_name(name))
        digests.append(run("id", other).stdout.strip())
    result = run("diff", *(path.with_name(name) for name in names))
    assert result.exit_code == 1
    assert rows(result.stdout) == {"file": [["digest", *digests]]}


def test_values_that_differ_are_counted_and_measured(run, path: Path) -> None:
    bias = np.array([0.5, 0, -2, 0], np.float32)
    result = run("diff", path, changed(path, {"dense/bias": bias}))
    assert result.exit_code == 1
    assert rows(result.stdout) == {
        "array": [["dense/bias", "values", "f32 (4,)", "f32 (4,)", "2", "2"]]
    }


@pytest.mark.parametrize(
    ("bias", "count", "largest"),
    [
        ([0, np.nan, 0, 0], 1, "nan"),
        ([0, np.inf, 0, 0], 1, "inf"),
        ([0, -0.0, 0, 0], 1, 0.0),
        ([1, 2, 3, 3], 4, 3.0),
    ],
)
def test_numbers_that_are_none_are_told_in_json_too(
    run, path: Path, bias: list[float], count: int, largest: Any
) -> None:
    other = changed(path, {"dense/bias": np.array(bias, np.float32)})
    text = run("diff", path, other, "--json").stdout
    (found,) = json.loads(text, parse_constant=pytest.fail)["arrays"]
    assert (found["count"], found["largest"]) == (count, largest)


def test_the_same_nan_is_no_distance(run, path: Path) -> None:
    first = changed(path, {"dense/bias": np.array([np.nan, 0, 0, 0], np.float32)})
    first = first.rename(path.with_name("first.mlpk"))
    second = changed(path, {"dense/bias": np.array([np.nan, 1, 0, 0], np.float32)})
    (found,) = json.loads(run("diff", first, second, "--json").stdout)["arrays"]
    assert (found["count"], found["largest"]) == (1, 1.0)


def test_two_sorts_of_nan_differ_without_a_distance(run, path: Path) -> None:
    words = np.array([0x7FC00000, 0x7FC00001], np.uint32)
    for name, word in zip(("first", "second"), words, strict=True):
        bias = np.array([word, 0, 0, 0], np.uint32).view(np.float32)
        changed(path, {"dense/bias": bias}).rename(path.with_name(f"{name}.mlpk"))
    result = run("diff", path.with_name("first.mlpk"), path.with_name("second.mlpk"), "--json")
    (found,) = json.loads(result.stdout)["arrays"]
    assert (found["count"], found["largest"]) == (1, 0.0)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.float16, np.float64, np.complex64])
def test_arrays_of_every_sort(run, path: Path, dtype: Any) -> None:
    first = changed(path, {"dense/more": np.zeros((2, 2), dtype)})
    first = first.rename(path.with_name("first.mlpk"))
    second = changed(path, {"dense/more": np.array([[0, 1], [1, 0]], dtype)})
    (found,) = json.loads(run("diff", first, second, "--json").stdout)["arrays"]
    assert (found["count"], found["largest"]) == (2, 1.0)


def test_large_whole_numbers_are_told_apart(run, path: Path) -> None:
    first = changed(path, {"dense/seen": np.array(2**62, np.int64)})
    first = first.rename(path.with_name("first.mlpk"))
    second = changed(path, {"dense/seen": np.array(2**62 + 1, np.int64)})
    (found,) = json.loads(run("diff", first, second, "--json").stdout)["arrays"]
    assert found["count"] == 1
    if np.finfo(np.longdouble).nmant >= 63:
        assert found["largest"] == 1.0


def test_arrays_that_came_went_or_changed_their_form(run, path: Path) -> None:
    arrays = {
        "dense/bias": None,
        "dense/more": np.zeros(3, np.int64),
        "head/bias": np.zeros(2),
        "head/weight": np.zeros((2, 4), np.float32),
    }
    result = run("diff", path, changed(path, arrays))
    assert rows(result.stdout)["array"] == [
        ["dense/bias", "removed", "f32 (4,)", "-"],
        ["dense/more", "added", "-", "i64 (3,)"],
        ["head/bias", "dtype", "f32 (2,)", "f64 (2,)"],
        ["head/weight", "shape", "f32 (4, 2)", "f32 (2, 4)"],
    ]


def test_nodes_and_fields(run, path: Path) -> None:
    layers = [
        {"kind": "dense", "units": 4, "bias": False}, "tanh", {"kind": "batch_norm", "name": "head"}
    ]  # fmt: skip
    other = path.with_name("b.mlpk")
    mlpk.Model(layers, input_shape=(None, 3), dtype="float64", seed=0).save(other)
    found = rows(run("diff", path, other).stdout)
    assert ["dtype", "float32", "float64"] in found["network"]
    assert ["inputs.input.shape", "[3]", "[None, 3]"] in found["network"]
    nodes = {row[0]: row[1:] for row in found["nodes"]}
    assert nodes["dense.config.bias"] == ["True", "False"]
    assert nodes["relu"] == ["relu", "-"]
    assert nodes["tanh"] == ["-", "tanh"]
    assert nodes["head.id"] == ["dense", "batch_norm"]
    assert nodes["head.config.units"] == ["2", "-"]
    assert nodes["dense.params.bias"] == ["dense/bias", "-"]
    assert found["meta"] == [["who", "me", "-"]]


def test_kinds_inside_configurations_and_the_order_of_nodes(run, path: Path) -> None:
    spec = plain(mlpk.inspect(path).spec)
    spec["nodes"][0]["config"]["init"] = {"id": "zeros", "schema": 2, "config": {}}
    spec["nodes"].reverse()
    found = rows(run("diff", path, changed(path, spec=spec, generator="other 2")).stdout)
    assert found["network"] == [["order of nodes", "dense, relu, head", "head, relu, dense"]]
    assert found["nodes"] == [
        ["dense.config.init.id", "glorot_uniform", "zeros"],
        ["dense.config.init.schema", "1", "2"],
    ]
    assert found["file"] == [["generator", f"mlpk {mlpk.__version__}", "other 2"]]


def test_the_order_of_inputs(run, tmp_path: Path) -> None:
    x, y = mlpk.Input((2,), name="x"), mlpk.Input((2,), name="y")
    for name, inputs in (("a", [x, y]), ("b", [y, x])):
        output = mlpk.layers.add()(x, y, name="sum")
        mlpk.Model(inputs=inputs, outputs=output).save(tmp_path / f"{name}.mlpk")
    result = run("diff", tmp_path / "a.mlpk", tmp_path / "b.mlpk")
    assert result.exit_code == 1
    assert rows(result.stdout) == {"network": [["order of inputs", "x, y", "y, x"]]}


def test_the_state_of_training(run, trained: Path, tmp_path: Path) -> None:
    state = plain(mlpk.inspect(trained).state)
    state["optimizer"]["config"]["lr"] = 0.5
    state["fit"]["epoch"] = 7
    found = rows(run("diff", trained, changed(trained, state=state)).stdout)
    assert found == {"training": [["optimizer.config.lr", "0.003", "0.5"], ["fit.epoch", "2", "7"]]}
    mlpk.load(trained).save(tmp_path / "model_only.mlpk")
    found = rows(run("diff", trained, tmp_path / "model_only.mlpk").stdout)
    assert found["training"] == [["state", "{optimizer, loss, seed, implementation, fit}", "None"]]
    assert {row[1] for row in found["array"]} == {"removed"}


def test_a_strangers_texts_cannot_steer_the_terminal(run, path: Path) -> None:
    other = changed(path, meta={"\x1b[31m": "red\x1b[31m"}, generator="\x1b]0;x\x07")
    text = run("diff", path, other).stdout
    assert "\x1b" not in text
    assert r"\x1b[31m" in text


def test_what_is_no_file_is_wrong_use(run, path: Path) -> None:
    path.with_name("b.mlpk").write_bytes(b"hello")
    for other in ("b.mlpk", "absent.mlpk"):
        result = run("diff", path, path.with_name(other))
        assert (result.exit_code, result.stdout) == (2, "")
        assert other in result.stderr

"""mlpk inspect: what a file says of itself, told without its plugins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import mlpk
from mlpk import Declaration, Layer, catalog, define


def test_facts_and_nodes(run, trained: Path) -> None:
    result = run("inspect", trained)
    assert (result.exit_code, result.stderr) == (0, "")
    facts, nodes = result.stdout.split("\n\n")
    told = dict(line.split(maxsplit=1) for line in facts.splitlines())
    assert told["digest"] == run("id", trained).stdout.strip()
    assert f"{trained.stat().st_size:,} bytes" in told["size"]
    assert told["input"] == "input: rows of shape (8, 8, 1), float32"
    assert told["outputs"] == "dense"
    assert told["parameters"] == "1,210"  # 64 * 16 + 16 + 16 * 10 + 10
    assert told["training"].startswith("epoch 2, 46 updates of adam, loss softmax_cross_entropy")
    rows = [line.split(maxsplit=3) for line in nodes.splitlines()[2:]]
    assert rows == [
        ["flatten", "flatten", "input"],
        ["head", "dense", "flatten", "bias (16,), weight (64, 16)"],
        ["relu", "relu", "head"],
        ["dense", "dense", "relu", "bias (10,), weight (16, 10)"],
    ]


def test_arrays_are_listed_on_request(run, trained: Path) -> None:
    text = run("inspect", trained, "--arrays").stdout
    listed = [line.split() for line in text.split("\n\n")[2].splitlines()[2:]]
    held = mlpk.load_arrays(trained)
    assert [row[0] for row in listed] == sorted(held)
    assert ["head/weight", "f32", "(64,", "16)", "4,096"] in listed


def test_json_is_the_whole_header(run, trained: Path) -> None:
    result = run("inspect", trained, "--json")
    header, told = mlpk.inspect(trained), json.loads(result.stdout)
    assert sorted(told) == sorted(
        ["critical", "ext", "generator", "meta", "pad", "plugins", "spec", "state", "tensors"]
    )
    assert told["generator"] == header.generator
    entry = told["tensors"]["head/weight"]
    assert entry["shape"] == [64, 16]
    assert bytes.fromhex(entry["sha256"]) == header.tensors["head/weight"].sha256


def test_shared_arrays_go_by_their_full_name(run, tmp_path: Path) -> None:
    x = mlpk.Input((3,))
    first = mlpk.layers.dense(units=3)(x, name="first")
    again = mlpk.layers.dense(units=3)(first, name="again", share=first)
    mlpk.Model(inputs=x, outputs=again).save(tmp_path / "shared.mlpk")
    text = run("inspect", tmp_path / "shared.mlpk").stdout
    assert "first/bias (3,), first/weight (3, 3)" in text
    assert "parameters  12\n" in text
    assert "training    no state kept" in text


def test_a_strangers_texts_cannot_steer_the_terminal(run, tmp_path: Path) -> None:
    model = mlpk.Model(["relu"], input_shape=(2,))
    model.save(tmp_path / "m.mlpk", meta={"note": "red \x1b[31m\nand \u202e turned"})
    text = run("inspect", tmp_path / "m.mlpk").stdout
    assert r"note: red \x1b[31m\nand \u202e turned" in text
    assert "\x1b" not in text


def test_long_texts_are_cut_and_many_rows_counted(run, tmp_path: Path) -> None:
    layers = [{"kind": "relu", "name": f"r{i}"} for i in range(1200)]
    model = mlpk.Model(layers, input_shape=(2,))
    model.save(tmp_path / "m.mlpk", meta={"note": "x" * 3000})
    facts, nodes = run("inspect", tmp_path / "m.mlpk").stdout.split("\n\n")
    note = next(line for line in facts.splitlines() if line.startswith("meta"))
    assert len(note.split(maxsplit=1)[1]) == 2000
    assert note.endswith("xxx...")
    rows = nodes.splitlines()[2:]
    assert len(rows) == 1001
    assert rows[999].split() == ["r999", "relu", "r998"]
    assert rows[1000] == "... and 200 more; --json shows all"
    told = run("inspect", tmp_path / "m.mlpk", "--json").stdout
    assert len(json.loads(told)["spec"]["nodes"]) == 1200


def test_json_is_indented_where_it_is_short(run, trained: Path, tmp_path: Path) -> None:
    assert '\n  "spec": {\n' in run("inspect", trained, "--json").stdout
    layers = [{"kind": "relu", "name": f"r{i}"} for i in range(3000)]
    mlpk.Model(layers, input_shape=(2,)).save(tmp_path / "m.mlpk")
    told = run("inspect", tmp_path / "m.mlpk", "--json").stdout
    assert told.count("\n") == 1
    assert len(json.loads(told)["spec"]["nodes"]) == 3000


def test_kinds_that_are_not_installed_are_shown_as_claimed(run, tmp_path: Path) -> None:
    path = tmp_path / "m.mlpk"

    @define
    class Doubled(Layer):
        kind = "doubled"

        def declare(self, x):
            return Declaration(x)

        def forward(self, arrays, ctx, x):
            return np.multiply(x, 2, out=ctx.empty("y", x.shape)), None

        def backward(self, arrays, ctx, saved, dy, grads):
            return np.multiply(dy, 2, out=ctx.empty("dx", dy.shape))

        @classmethod
        def examples(cls) -> Iterator[mlpk.Example]:
            yield mlpk.Example(cls(), (2,))

    before = catalog.current()
    mlpk.plugins.add(Doubled)
    with pytest.warns(mlpk.plugins.PortabilityWarning, match="'?_local:doubled"):
        mlpk.Model(["doubled"], input_shape=(2,)).save(path)
    catalog.swap(lambda _: before)
    text = run("inspect", path).stdout
    assert "_local:doubled" in text

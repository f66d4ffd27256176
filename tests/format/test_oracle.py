"""A reader written from the page alone and mlpk's own make the same of every file."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import oracle
import pytest
from agreement import Verdict, verdict
from golden import claim
from oracle import Refused, check_network

import mlpk
from mlpk import FileFormatError, catalog
from mlpk.example import Example
from mlpk.file.layout import type_of
from mlpk.testing.bench import Bench

HERE = Path(__file__).parent
GOLDEN = sorted((HERE / "golden").glob("*.mlpk"))
HOSTILE = sorted((HERE / "hostile").glob("*.mlpk"))
SOUND = Verdict(None, None, built=True)
# What is no network whatever the kinds are, and by which rule; the other files want a catalog.
NO_NETWORK = {
    "network-feed-unknown": "network-feed",
    "network-input-named-twice": "network-names",
    "network-node-named-as-input": "network-names",
    "network-node-named-twice": "network-names",
    "network-nodes-in-a-cycle": "network-feed",
    "network-nodes-in-another-order": "network-feed",
    "network-output-none": "network-outputs",
    "network-output-twice": "network-outputs",
    "network-output-unknown": "network-outputs",
    "network-param-missing": "network-tensors",
    "network-slot-missing": "network-tensors",
    "network-slot-without-state": "network-tensors",
    "network-state-of-unknown-callback": "network-tensors",
    "network-tensor-missing": "network-tensors",
    "network-tensor-superfluous": "network-tensors",
}


def examples(family: str) -> list[Any]:
    return [
        pytest.param(example, id=f"{item.kind}-{number}")
        for item in catalog.current().brought
        if item.family == family and item.dist == "mlpk"
        for number, example in enumerate(item.thing.examples())
    ]


def refused(data: bytes) -> str:
    """Return the rule by which the oracle refuses a file."""
    with pytest.raises(Refused) as caught:
        oracle.read(data)
    return caught.value.rule


def test_the_oracle_needs_nothing_but_the_standard_library() -> None:
    command = [sys.executable, "-I", "-S", "-c", f"""
import sys
sys.path.append({str(HERE)!r})
import oracle
for path in {[str(path) for path in GOLDEN]}:
    oracle.read(open(path, "rb").read())
theirs = {{"mlpk", "mlpk_schemas", "mlpk_plugins", "numpy", "msgpack"}}
assert not theirs & sys.modules.keys()
"""]  # fmt: skip
    subprocess.run(command, check=True)


def test_the_oracle_reads_what_the_page_spells_out() -> None:
    header, arrays = oracle.read((HERE / "golden" / "dense.mlpk").read_bytes())
    assert header["spec"]["nodes"][0]["config"]["units"] == 2
    assert header["pad"] == bytes(18)
    assert arrays == {
        "dense/bias": ("f32", (2,), struct.pack("<2f", 0.5, -0.5)),
        "dense/weight": ("f32", (3, 2), struct.pack("<6f", 1, 2, 3, 4, 5, 6)),
    }


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_both_read_the_same_from_golden_files(path: Path) -> None:
    assert verdict(path.read_bytes()) == SOUND
    found = mlpk.load_arrays(path)
    theirs = oracle.read(path.read_bytes()).arrays
    assert {name: (type_of(array.dtype), array.shape) for name, array in found.items()} == {
        name: (dtype, shape) for name, (dtype, shape, _) in theirs.items()
    }


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_both_refuse_hostile_files_at_the_same_step(path: Path) -> None:
    found = verdict(path.read_bytes())
    step = path.stem.partition("-")[0]
    if step == "network":
        assert found.rule is None
        assert found.network == NO_NETWORK.get(path.stem)
    else:
        assert str(found.rule).startswith(f"{step}-")


@pytest.mark.parametrize("example", examples("layers"))
def test_both_read_the_same_from_a_file_of_each_layer(example: Example) -> None:
    assert verdict(mlpk.dumps(Bench(example).model)) == SOUND


@pytest.mark.parametrize("example", examples("optimizers"))
def test_both_read_the_same_from_a_run_with_each_optimizer(
    example: Example, tmp_path: Path
) -> None:
    x = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    model = mlpk.Model([mlpk.layers.dense(units=2), "batch_norm"], input_shape=(3,), seed=0)
    model.fit(
        x, x[:, :2], loss="mean_squared_error", optimizer=example.instance, epochs=2,
        batch_size=3, validation=(x, x[:, :2]), metrics=["mean_absolute_error"], progress=False,
        callbacks=["reduce_on_plateau", "moving_average"],
        checkpoint=tmp_path / "run.mlpk",
    )  # fmt: skip
    data = (tmp_path / "run.mlpk").read_bytes()
    assert verdict(data) == SOUND
    state = oracle.read(data).header["state"]
    assert (state["fit"]["epoch"], state["fit"]["batch"]) == (2, 0)
    assert state["optimizer"]["id"] == example.instance.kind


@pytest.mark.parametrize("nodes", [(("weight",), {"mean": "box/weight"}), (("weight",), ())])
def test_no_array_is_a_parameter_and_a_buffer_whatever_the_kinds_are(nodes: Any) -> None:
    """The two roles may be one node's, or those of two nodes."""
    params, buffers = nodes
    layer = handmade.kind("acme:box")
    chain = [handmade.node("box", layer, ["input"], params, buffers)]
    if not buffers:
        chain.append(handmade.node("again", layer, ["box"], (), {"held": "box/weight"}))
    data = handmade.file(
        handmade.spec([handmade.given("input", 1)], chain, [chain[-1]["name"]]),
        {"box/weight": ("f32", [1], handmade.floats(1))},
        plugins=[claim("acme", "2.1", "acme:box")],
    )
    assert verdict(data) == Verdict(None, "network-roles", built=False)
    with pytest.raises(FileFormatError, match="'box/weight' cannot be both a parameter and a buff"):
        mlpk.loads(data, missing="opaque")


def test_the_oracle_refuses_every_flipped_bit() -> None:
    data = (HERE / "golden" / "dense.mlpk").read_bytes()
    for place in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            refused(bytes(flipped))


def test_the_oracle_refuses_every_cut_and_what_trails() -> None:
    data = (HERE / "golden" / "dense.mlpk").read_bytes()
    for length in range(len(data)):
        rule = refused(data[:length])
        assert rule == (
            "prelude-magic" if length < 13 else "prelude-cut" if length < 64 else "prelude-size"
        )
    for more in (b"\0", b"\n", bytes(64), data):
        assert refused(data + more) == "prelude-size"


def test_a_tensor_of_several_blocks_and_one_of_zeros_are_compared_to_their_ends() -> None:
    """A block is 16 MiB, so that the small files above have one each."""
    inputs = 2**20 + 1
    model = mlpk.Model([mlpk.layers.dense(units=5, init="zeros")], input_shape=(inputs,), seed=0)
    data = mlpk.dumps(model)
    header, arrays = oracle.read(data)
    assert len(header["tensors"]["dense/weight"]["sha256"]) == 2 * 32
    assert arrays["dense/weight"] == ("f32", (inputs, 5), bytes(20 * inputs))
    check_network(header)
    damaged = bytearray(data)
    behind = 64 + int.from_bytes(data[60:64], "big")
    last = behind + header["tensors"]["dense/weight"]["at"] + 20 * inputs - 1
    damaged[last] ^= 1
    assert refused(bytes(damaged)) == "payload-digest"

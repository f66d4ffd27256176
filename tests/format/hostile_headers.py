"""Hostile files whose header says what it must not: in its fields, claims, table and network."""

from __future__ import annotations

import struct
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from typing import Any

from golden import PLAIN, TENSORS, THIRD_PARTY, TIED, TWO_INPUTS, claim, state
from handmade import Tensors, contents, file, floats, header, in_order, kind, padded, sealed

GONE = object()
Change = Callable[[Any], object]


def changed(
    change: Change, network: dict[str, Any] = PLAIN, tensors: Tensors = TENSORS, **more: Any
) -> bytes:
    """Return a file in whose header something was changed."""
    tree = deepcopy(header(network, tensors, **more))
    change(tree)
    return sealed(padded(in_order(tree)), contents(tensors))


def put(
    path: str, value: Any, network: dict[str, Any] = PLAIN, tensors: Tensors = TENSORS, **more: Any
) -> bytes:
    """Return a file with one value changed, or GONE; its keys stand with '>' between them."""

    def change(tree: Any) -> None:
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(">")]
        for step in steps:
            tree = tree[step]
        if value is GONE:
            del tree[last]
        else:
            tree[last] = value

    return changed(change, network, tensors, **more)


def node(key: str, value: Any) -> bytes:
    return put(f"spec>nodes>0>{key}", value)


def given(key: str, value: Any) -> bytes:
    return put(f"spec>inputs>0>{key}", value)


def run(path: str, value: Any) -> bytes:
    """Return the file of a training run with one value of its state changed."""
    return put(f"state>{path}", value, state=state(0, {}))


def tensor(**entry: Any) -> bytes:
    """Return the file with another entry for its second and last tensor."""
    return changed(lambda tree: tree["tensors"]["dense/weight"].update(entry))


def empty(**entry: Any) -> bytes:
    """Return a file whose only tensor, without items, has another entry."""
    tensors = {"dense/bias": ("u8", [0], b"")}
    return changed(lambda tree: tree["tensors"]["dense/bias"].update(entry), PLAIN, tensors)


def named(name: str) -> bytes:
    return file(PLAIN, {name: TENSORS["dense/bias"]})


def fields() -> dict[str, bytes]:
    """Return headers with wrong keys or values."""
    like_a_kind = {"config": "", "id": "", "schema": ""}
    init = "spec>nodes>0>config>init"
    return {
        "config-like-a-kind": node("config", kind("zeros")),
        "critical-no-array": put("critical", None),
        "critical-unknown": put("critical", ["sparse"]),
        "ext-bin": put("ext", {"k": b"\x00"}),
        "ext-like-a-kind": put("ext", like_a_kind),
        "generator-bin": put("generator", b"mlpk"),
        "header-key-missing": put("meta", GONE),
        "header-key-unknown": put("version", 1),
        "input-dtype-float16": given("dtype", "float16"),
        "input-33-lengths": given("shape", [1] * 33),
        "input-length-float": given("shape", [3.0]),
        "input-length-zero": given("shape", [0]),
        "input-name-not-pattern": given("name", "1st"),
        "kind-config-like-a-kind": put(f"{init}>config", kind("zeros")),
        "kind-config-nil": put(f"{init}>config", None),
        "kind-id-integer": put(f"{init}>id", 1),
        "kind-schema-text": put(f"{init}>schema", "1"),
        "kind-schema-zero": put(f"{init}>schema", 0),
        "meta-257-pairs": put("meta", {f"{i:03}": "" for i in range(257)}),
        "meta-like-a-kind": put("meta", like_a_kind),
        "meta-over-64-kib": put("meta", {"k": "v" * 32_768, "l": "v" * 32_767}),
        "meta-value-integer": put("meta", {"classes": 10}),
        "node-config-nil": node("config", None),
        "node-id-integer": node("id", 1),
        "node-key-missing": node("buffers", GONE),
        "node-key-unknown": node("trainable", value=True),
        "node-name-not-pattern": node("name", "den/se"),
        "node-schema-bool": node("schema", value=True),
        "node-schema-zero": node("schema", 0),
        "output-name-not-pattern": put("spec>outputs", ["dense\n"]),
        "param-array-not-pattern": node("params", {"bias": "bias", "weight": "dense/weight"}),
        "param-name-not-pattern": node("params", {"bi as": "dense/bias"}),
        "spec-dtype-float16": put("spec>dtype", "float16"),
        "tensors-array": put("tensors", []),
    }


def states() -> dict[str, bytes]:
    """Return headers whose state has wrong keys or values."""
    return {
        "state-false": put("state", value=False),
        "state-fit-key-missing": run("fit>running", GONE),
        "state-fit-key-unknown": run("fit>time", 0.0),
        "state-history-text": run("fit>history", "loss"),
        "state-loss-like-a-kind": run("loss", {key: kind("zeros") for key in kind("zeros")}),
        "state-loss-schema-zero": run("loss>dense>schema", 0),
        "state-lr-factor-integer": run("fit>lr_factor", 1),
        "state-options-kind-id-nil": run("fit>options>regularizer", kind("l2") | {"id": None}),
        "state-rows-float": run("fit>rows", 2.0),
        "state-running-bin": run("fit>running", {"total": b""}),
        "state-seed-float": run("seed", 0.0),
        "state-slot-integer": run("optimizer>slots", [1]),
        "state-step-negative": run("optimizer>step", -1),
        "state-stopped-integer": run("fit>stopped", 0),
    }


def claims() -> dict[str, bytes]:
    """Return headers that claim other third parties than they name."""
    acme, beta = claim("acme", "2.1", "acme:box"), claim("beta", "0.3", "beta:half")

    def held(*plugins: dict[str, Any]) -> bytes:
        tensors = {"box/held": ("i64", [], struct.pack("<q", -5))}
        return file(THIRD_PARTY, tensors, plugins=list(plugins))

    return {
        "doubled": held(acme, acme, beta),
        "first-party": put("plugins", [claim("mlpk", "1.0.0", "dense")]),
        "id-doubled": held(claim("acme", "2.1", "acme:box", "acme:box"), beta),
        "id-in-two": held(acme, claim("beta", "0.3", "acme:box", "beta:half")),
        "ids-empty": held(acme, beta, claim("gamma", "1")),
        "ids-unsorted": held(claim("acme", "2.1", "beta:half", "acme:box")),
        "missing": held(beta),
        "missing-for-kind-inside": held(acme),
        "missing-for-loss": run("loss>dense>id", "gamma:distance"),
        "missing-for-optimizer": run("optimizer>id", "gamma:drift"),
        "missing-for-option": run("fit>options>regularizer", kind("gamma:sparse")),
        "missing-for-schedule": run("optimizer>config>lr", kind("gamma:waves")),
        "superfluous": held(acme, claim("beta", "0.3", "beta:half", "beta:more")),
        "unsorted": held(beta, acme),
        "version-missing": held({"dist": "acme", "ids": ["acme:box"]}, beta),
    }


def tables() -> dict[str, bytes]:
    """Return tables of tensors that lie."""
    return {
        "at-empty-not-zero": empty(at=10),
        "at-gap": tensor(at=138),
        "at-in-other-tensor": tensor(at=10),
        "at-negative": tensor(at=-1),
        "digests-of-empty": empty(sha256=sha256(b"").digest()),
        "digests-too-long": tensor(sha256=bytes(64)),
        "digests-too-short": tensor(sha256=bytes(31)),
        "dtype-of-numpy": tensor(dtype="<f4"),
        "dtype-unknown": tensor(dtype="float32"),
        "entry-key-missing": put("tensors>dense/bias>shape", GONE),
        "entry-key-unknown": tensor(order="C"),
        "name-256-bytes": named("n/" + "n" * 254),
        "name-line-end": named("dense/bias\n"),
        "name-of-one-part": named("dense"),
        "name-of-slot-too-short": named("slot:dense/v"),
        "name-of-three-parts": named("dense/bias/v"),
        "name-with-letter-beyond-ascii": named("dense/bi\u00e4s"),
        "nbytes-of-shape-wrong": tensor(nbytes=20),
        "nbytes-float": tensor(nbytes=24.0),
        "shape-33-axes": tensor(shape=[3, 2] + [1] * 31),
        "shape-bool": put("tensors>dense/bias>shape", [2, True]),
        "shape-length-2-to-40": empty(shape=[0, 2**40]),
        "shape-negative": tensor(shape=[-3, -2]),
        "shape-product-2-to-48": tensor(nbytes=2**48, shape=[2**23, 2**23], sha256=b""),
        "shape-product-overflow": empty(shape=[2**32, 2**32]),
        "shape-zero-hides-overflow": empty(shape=[2**39, 2**39, 0]),
        "text-as-digests": tensor(sha256="0" * 32),
    }


def networks() -> dict[str, bytes]:
    """Return containers that are in order, and whose network cannot be."""
    bias, weight = TENSORS["dense/bias"], TENSORS["dense/weight"]
    slots = {f"slot:{name}/v": each for name, each in TENSORS.items()}
    mask = {"state:keeper/mask": ("bool", [1], b"\x01")}
    square = {"first/bias": bias, "first/weight": ("f32", [2, 2], floats(1, 2, 3, 4))}
    column = {"sum/weight": ("f32", [4, 1], floats(1, 2, 3, 4))}
    first, again = TIED["nodes"]
    feed_loop = [{**first, "inputs": ["again"]}, again]
    wider = {**again, "config": {**again["config"], "units": 3}}
    kept = TWO_INPUTS["nodes"][2]
    left = {**TWO_INPUTS, "inputs": TWO_INPUTS["inputs"][:1] * 2, "outputs": ["kept"]}
    alone = [{**kept, "inputs": ["left"]}]
    less = {**TWO_INPUTS, "outputs": ["sum"]}
    buffer = {"buffers": {"bias": "dense/bias"}, "params": {"weight": "dense/weight"}}
    return {
        "config-field-missing": node("config", {"bias": True, "units": 2}),
        "config-field-type": put("spec>nodes>0>config>units", 2.0),
        "config-field-unknown": put("spec>nodes>0>config>unit", 2),
        "config-kind-of-other-family": put("spec>nodes>0>config>init", kind("sgd")),
        "config-out-of-range": put("spec>nodes>0>config>units", 0),
        "feed-unknown": node("inputs", ["images"]),
        "input-named-twice": file({**left, "nodes": alone}, {}),
        "inputs-too-many": node("inputs", ["input", "input"]),
        "kind-unknown": node("id", "densest"),
        "node-named-as-input": put("spec>nodes>2>name", "left", less, column),
        "node-named-twice": put("spec>nodes>2>name", "joined", less, column),
        "nodes-in-a-cycle": put("spec>nodes", feed_loop, TIED, square),
        "nodes-in-another-order": put("spec>nodes", [again, first], TIED, square),
        "output-none": put("spec>outputs", []),
        "output-twice": put("spec>outputs", ["dense", "dense"]),
        "output-unknown": put("spec>outputs", ["input"]),
        "param-as-buffer": changed(lambda tree: tree["spec"]["nodes"][0].update(buffer)),
        "param-missing": node("params", {"weight": "dense/weight"}),
        "schema-newer": node("schema", 2),
        "shape-unknown-where-needed": given("shape", [None]),
        "shared-array-of-two-shapes": put("spec>nodes>1", wider, TIED, square),
        "slot-missing": file(PLAIN, TENSORS, state=state(0, {})),
        "slot-shape": file(
            PLAIN, {**TENSORS, **slots, "slot:dense/bias/v": weight}, state=state(0, {})),
        "slot-without-state": file(PLAIN, {**TENSORS, **slots}),
        "state-of-unknown-callback": file(
            PLAIN, {**TENSORS, **slots, **mask}, state=state(0, {})),
        "tensor-dtype": file(PLAIN, {**TENSORS, "dense/bias": ("f64", [2], bytes(16))}),
        "tensor-missing": file(PLAIN, {"dense/weight": weight}),
        "tensor-shape": file(PLAIN, {**TENSORS, "dense/bias": ("f32", [1, 2], bias[2])}),
        "tensor-superfluous": file(PLAIN, {**TENSORS, "dense/more": bias}),
    }  # fmt: skip

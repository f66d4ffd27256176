"""Headers that lie: each of these files has the right digests and is refused all the same."""

from __future__ import annotations

import struct
from hashlib import sha256

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlpk.errors import FileFormatError
from mlpk.file import reader
from mlpk.file.layout import Limits
from mlpk.file.source import Source


def refused(handmade, tree, problem, field=None, body=None):
    with pytest.raises(FileFormatError, match=problem) as caught:
        handmade.read(handmade.file(tree, body))
    if field is not None:
        assert caught.value.field == field


@pytest.mark.parametrize("key", ["critical", "ext", "meta", "spec", "state", "tensors"])
def test_a_missing_key(handmade, key):
    tree = handmade.tree()
    del tree[key]
    refused(handmade, tree, "missing", key)


def test_an_unknown_key(handmade):
    refused(handmade, handmade.tree() | {"version": 1}, "no such field", "version")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("critical", None),
        ("ext", []),
        ("generator", 1),
        ("meta", {"a": 1}),
        ("plugins", [{"dist": "a", "ids": []}]),
        ("spec", {"dtype": "float16", "inputs": [], "nodes": [], "outputs": []}),
        ("state", False),
        ("tensors", None),
        ("tensors", []),
    ],
)
def test_a_value_of_another_type(handmade, key, value):
    refused(handmade, handmade.tree() | {key: value}, "wanted|missing")


@pytest.mark.parametrize(
    "header", [b"\xc4\x34" + bytes(52), b"\xd9\x34" + b"a" * 52, b"\xdc\x00\x33" + b"\xc0" * 51]
)
def test_a_header_that_is_no_map(handmade, header):
    with pytest.raises(FileFormatError, match="wanted a mapping"):
        handmade.read(handmade.seal(header))


def test_a_pad_must_be_zero_and_no_longer_than_needed(handmade):
    tree = handmade.tree()
    length = len(handmade.padded(tree))
    honest = handmade.padded(tree)
    at = honest.index(b"\xa3pad\xc4") + 5
    pad = honest[at]
    spoiled = honest[: at + 1] + b"\x01" + honest[at + 2 :]
    longer = honest[:at] + bytes([pad + 64]) + bytes(pad + 64) + honest[at + 1 + pad :]
    assert (len(spoiled), len(longer)) == (length, length + 64)
    for header in (spoiled, longer):
        with pytest.raises(FileFormatError, match="fewer than 64 zero bytes"):
            handmade.read(handmade.seal(header))


def test_a_pad_may_have_any_length_below_64(handmade):
    lengths = set()
    for i in range(64):
        tree = handmade.tree() | {"generator": "g" * (32 + i)}
        header = reader.read_header(Source.of(handmade.file(tree)))
        lengths.add(len(header.pad))
        if len(header.pad) == 0:
            data = handmade.seal(msgpack.packb(tree | {"pad": bytes(64)}))
            with pytest.raises(FileFormatError, match="fewer than 64 zero bytes"):
                handmade.read(data)
    assert lengths == set(range(64))


def test_nothing_is_converted(handmade):
    fit = {
        "batch": 0, "batch_size": None, "callbacks": {}, "epoch": 1, "history": [],
        "lr_factor": 1.0, "options": {}, "rows": 5, "running": {}, "step": 9, "stopped": False,
    }  # fmt: skip
    optimizer = {"config": {"lr": 0.1}, "id": "sgd", "schema": 1, "slots": [], "step": 9}
    state = {"fit": fit, "implementation": "numpy", "loss": {}, "optimizer": optimizer, "seed": 0}
    tree = handmade.tree() | {"state": state}
    header = reader.read_header(Source.of(handmade.file(tree)))
    assert header.state.fit.lr_factor == 1.0
    fit["lr_factor"] = 1
    refused(handmade, tree, r"wanted a number, found 1 \(int\)")


@pytest.mark.parametrize(
    "meta",
    [{f"{i:03}": "" for i in range(257)}, {"a": "x" * 40_000, "b": "é" * 12_767 + "y"}],
)
def test_too_much_meta(handmade, meta):
    refused(handmade, handmade.tree() | {"meta": meta}, "at most 256 entries", "meta")
    meta.pop("000", None)
    if "b" in meta:
        meta["b"] = meta["b"][:-1]  # 40,001 + 1 + 25,534 bytes
    header = reader.read_header(Source.of(handmade.file(handmade.tree() | {"meta": meta})))
    assert header.meta == meta


def test_too_many_nodes_and_tensors(handmade):
    tree = handmade.tree()
    node = {"buffers": {}, "config": {}, "id": "relu", "inputs": [], "name": "a"}
    node |= {"params": {}, "schema": 1}
    tree["spec"]["nodes"] = [node, node]
    data = handmade.file(tree)
    header = reader.read_header(Source.of(data), limits=Limits(nodes=2, tensors=2))
    assert len(header.spec.nodes) == 2
    with pytest.raises(FileFormatError, match="at most 1 nodes, found 2"):
        reader.read_header(Source.of(data), limits=Limits(nodes=1))
    with pytest.raises(FileFormatError, match="at most 1 tensors, found 2"):
        reader.read_header(Source.of(data), limits=Limits(tensors=1))


@pytest.mark.parametrize(
    ("change", "problem", "part"),
    [
        ({"at": 11}, "wanted 10", "at"),
        ({"at": 74}, "wanted 10", "at"),
        ({"at": 0}, "wanted 10", "at"),
        ({"at": -1}, ">= 0", "at"),
        ({"at": 10.0}, "an integer", "at"),
        ({"at": True}, "an integer", "at"),
        ({"dtype": "f64"}, "wanted 16, the size", "nbytes"),
        ({"dtype": "u32", "shape": [3]}, "wanted 12, the size", "nbytes"),
        ({"dtype": "float32"}, "found 'float32'", "dtype"),
        ({"dtype": "O"}, "found 'O'", "dtype"),
        ({"dtype": "<f4"}, "found '<f4'", "dtype"),
        ({"nbytes": 4}, "wanted 8", "nbytes"),
        ({"nbytes": 2**63}, "wanted 8", "nbytes"),
        ({"nbytes": -8}, ">= 0", "nbytes"),
        ({"shape": [3]}, "wanted 12", "nbytes"),
        ({"shape": [-2]}, "0 <= length", "shape"),
        ({"shape": [-1, -2]}, "0 <= length", "shape"),
        ({"shape": [2.0]}, "an integer", "shape[0]"),
        ({"shape": [True, 2]}, "an integer", "shape[0]"),
        ({"shape": [None]}, "an integer", "shape[0]"),
        ({"shape": 2}, "a list", "shape"),
        ({"shape": [1] * 31 + [2, 1]}, "at most 32 dimensions", "shape"),
        ({"shape": [2**40]}, "0 <= length < 1099511627776", "shape"),
        ({"shape": [2**39, 2**39]}, "less than 281474976710656 bytes", "shape"),
        ({"shape": [2**39, 2**7]}, "less than 281474976710656 bytes", "shape"),
        ({"shape": [2**39, 127]}, "the size of its shape", "nbytes"),
        ({"shape": [2**39, 2**39, 0]}, "less than 281474976710656 bytes", "shape"),
        ({"shape": [2**32, 2**32]}, "less than", "shape"),  # 2**64 wraps to nothing in 64 bits
        ({"shape": [2**30, 2**15], "nbytes": 2**47}, "of digests", "sha256"),
        ({"sha256": b""}, "wanted 32 bytes of digests, found 0", "sha256"),
        ({"sha256": bytes(64)}, "wanted 32 bytes of digests, found 64", "sha256"),
        ({"sha256": "a" * 32}, "wanted bytes", "sha256"),
    ],
)
def test_an_entry_that_lies(handmade, change, problem, part):
    tree = handmade.tree()
    tree["tensors"]["dense/bias"] |= change
    refused(handmade, tree, problem, f"tensors.dense/bias.{part}")


def test_32_dimensions_are_the_most(handmade):
    tree = handmade.tree()
    tree["tensors"]["dense/bias"]["shape"] = [1] * 31 + [2]
    array = handmade.read(handmade.file(tree))["dense/bias"]
    assert (array.ndim, array.ravel().tolist()) == (32, [1, -2])


def test_an_input_has_32_dimensions_at_most(handmade):
    tree = handmade.tree()
    given = {"dtype": "float32", "name": "x", "shape": [1] * 32}
    tree["spec"]["inputs"] = [{**given, "name": "a", "shape": []}, given]
    assert handmade.read(handmade.file(tree))
    given["shape"].append(None)
    refused(handmade, tree, "at most 32 dimensions, found 33", "spec.inputs[1].shape")


def test_an_entry_with_other_keys(handmade):
    tree = handmade.tree()
    tree["tensors"]["dense/bias"]["strides"] = [4]
    refused(handmade, tree, "no such field", "tensors.dense/bias.strides")
    tree["tensors"]["dense/bias"] = {"at": 10}
    refused(handmade, tree, "missing", "tensors.dense/bias.dtype")
    tree["tensors"]["dense/bias"] = "f32"
    refused(handmade, tree, "wanted a mapping", "tensors.dense/bias")


@pytest.mark.parametrize(
    "name",
    [
        "bias", "/bias", "dense/", "a/b/c", "1a/b", "a/1b", "a b/c", "a/b\n", "dense/b\x00", "é/b",
        "../b", "a/..", "slot:a/b", "slot:a/b/", "slot:a/b/c/d", "state:a", "state:a/b/c", "x:a/b",
        "a\\b/c", "a/" + "b" * 254, "", "slot:/b/c",
    ],
)  # fmt: skip
def test_a_name_that_is_none(handmade, name):
    tree = handmade.tree()
    tree["tensors"] = {name: handmade.entry(0, "f32", b"", [0])}
    refused(handmade, tree, "wanted names", "tensors", handmade.body())


@pytest.mark.parametrize(
    "name", ["a/b", "_/_", "a.b-1/c.d-2", "slot:a/b/c", "state:a/b", "a/" + "b" * 253]
)
def test_a_name_that_is_one(handmade, name):
    tree = handmade.tree()
    tree["tensors"] = {name: handmade.entry(0, "f32", b"", [2**39, 0])}
    arrays = handmade.read(handmade.file(tree, handmade.body()))
    assert arrays[name].shape == (2**39, 0)


def test_tensors_may_neither_overlap_nor_leave_gaps_nor_change_places(handmade):
    tree = handmade.tree()
    tree["tensors"]["dense/used"]["at"] = 10
    refused(handmade, tree, "wanted 74", "tensors.dense/used.at")
    tree["tensors"]["dense/used"]["at"] = 74 + 64
    refused(handmade, tree, "wanted 74", "tensors.dense/used.at", handmade.body(*handmade.payloads))
    tree["tensors"]["dense/bias"]["at"], tree["tensors"]["dense/used"]["at"] = 74, 10
    refused(handmade, tree, "wanted 10", "tensors.dense/bias.at")


def test_an_empty_tensor_lies_nowhere(handmade):
    tree = handmade.tree()
    tree["tensors"]["a/a"] = handmade.entry(10, "f32", b"", [0])
    tree["tensors"] = dict(sorted(tree["tensors"].items()))
    refused(handmade, tree, "wanted 0", "tensors.a/a.at")


@pytest.mark.parametrize(
    "body",
    [
        lambda made: made.body(made.payloads[0]),  # one too few
        lambda made: made.body(*made.payloads, bytes(59)),  # one too many
        lambda made: made.body(*made.payloads) + bytes(64),
        lambda made: made.body(made.payloads[0] + bytes(64), made.payloads[1]),
    ],
)
def test_the_tensors_end_where_the_file_does(handmade, body):
    refused(handmade, handmade.tree(), "wanted the tensors to end at", "tensors", body(handmade))


@pytest.mark.parametrize("count", [0, 1, 3, 2**32 - 1])
def test_a_count_that_lies(handmade, count):
    body = bytearray(handmade.body(*handmade.payloads))
    body[1:5] = struct.pack(">I", count)
    refused(handmade, handmade.tree(), "wanted the bytes dd00000002", "chunks", bytes(body))


@pytest.mark.parametrize("frame", [b"\xc6\x00\x00\x00\x3a", b"\xc5\x00\x3b\x00\x00", bytes(5)])
@pytest.mark.parametrize(("at", "name"), [(5, "dense/bias"), (69, "dense/used")])
def test_a_frame_that_lies(handmade, frame, at, name):
    body = bytearray(handmade.body(*handmade.payloads))
    body[at : at + 5] = frame
    refused(
        handmade, handmade.tree(), "wanted the bytes c60000003b", f"tensors.{name}", bytes(body)
    )


def test_a_wrong_digest_of_a_tensor(handmade):
    tree = handmade.tree()
    tree["tensors"]["dense/used"]["sha256"] = sha256(b"\x01\x00\x00").digest()
    refused(handmade, tree, "do not match their digest", "tensors.dense/used")


def test_text_from_the_file_is_escaped_and_cut(handmade):
    tree = handmade.tree()
    tree["\x1b[31m" + "x" * 1000] = None
    with pytest.raises(FileFormatError) as caught:
        handmade.read(handmade.file(dict(sorted(tree.items()))))
    assert caught.value.field.startswith("\\x1b[31mxxx")
    assert len(caught.value.field) == 80
    tree = handmade.tree()
    tree["spec"]["outputs"] = ["\x1b[31m\n" + "x" * 60_000]
    with pytest.raises(FileFormatError) as caught:
        handmade.read(handmade.file(tree))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
    | st.binary() | st.sampled_from(["f32", "bool", "dense/bias", 8, 10, 74, [2], {}, b""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_header_holds_nothing_but_a_refusal_comes_out(handmade, data):
    tree = handmade.tree()
    place, key = tree, data.draw(st.sampled_from(sorted(tree)))
    while isinstance(place[key], dict) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place)))
    place[key] = data.draw(ANYTHING)
    message = ""
    try:
        handmade.read(handmade.file(tree))
    except FileFormatError as error:
        message = str(error)
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 600

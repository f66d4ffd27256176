"""Tensors: read to where they shall go, checked there, from memory, file or mapping."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from mlpk.errors import ConfigError, FileFormatError, ShapeError, UnknownArrayError
from mlpk.file import reader, writer
from mlpk.file.blocks import BLOCK
from mlpk.file.layout import CHUNK
from mlpk.file.source import Source


@pytest.fixture
def opened(handmade, tmp_path):
    (tmp_path / "a.mlpk").write_bytes(handmade.file())
    with Source.open(tmp_path / "a.mlpk") as source:
        yield source, reader.read_header(source)


def test_private_arrays_are_writeable_and_aligned(opened):
    for array in reader.read_arrays(*opened).values():
        assert array.flags.writeable
        assert array.flags.aligned
        assert array.flags.c_contiguous
        assert array.dtype.isnative


def test_given_arrays_are_filled(opened):
    memory = np.full(8, 7, np.float32)
    into = {"dense/bias": memory[3:5], "dense/other": np.zeros(1)}
    arrays = reader.read_arrays(*opened, into=into)
    assert arrays["dense/bias"] is into["dense/bias"]
    assert memory.tolist() == [7, 7, 7, 1, -2, 7, 7, 7]
    assert arrays["dense/used"].tolist() == [True, False, True]
    assert "dense/other" not in arrays


def test_a_given_array_may_have_the_other_byte_order(opened):
    into = {"dense/bias": np.zeros(2, ">f4")}
    reader.read_arrays(*opened, into=into)
    assert into["dense/bias"].tolist() == [1, -2]


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros(3, np.float32), r"found f32 of shape \(3,\)"),
        (np.zeros((2, 1), np.float32), r"found f32 of shape \(2, 1\)"),
        (np.zeros(2), "found f64"),
        (np.zeros(2, np.int32), "found i32"),
        (np.zeros(2, "S4"), r"found \|S4"),
        (np.zeros(4, np.float32)[::2], "writeable C-contiguous"),
        (np.frombuffer(bytes(8), np.float32), "writeable C-contiguous"),
    ],
)
def test_a_given_array_must_fit(opened, array, problem):
    with pytest.raises(ShapeError, match=problem) as caught:
        reader.read_arrays(*opened, into={"dense/bias": array})
    assert caught.value.where == "dense/bias"


def test_some_tensors_may_be_asked_for(opened):
    assert list(reader.read_arrays(*opened, names=["dense/used"])) == ["dense/used"]
    assert reader.read_arrays(*opened, names=[]) == {}
    arrays = reader.read_arrays(*opened, names=iter(["dense/used", "dense/bias", "dense/used"]))
    assert list(arrays) == ["dense/bias", "dense/used"]
    with pytest.raises(
        UnknownArrayError, match=r"no tensor 'dense/bais'.*Did you mean 'dense/bias'"
    ):
        reader.read_arrays(*opened, names=["dense/bais"])


def test_what_is_not_asked_for_is_not_read(handmade):
    data = handmade.file().replace(b"\x00\x00\x80?", b"\x01\x00\x80?")
    assert list(handmade.read(data, names=["dense/used"])) == ["dense/used"]
    with pytest.raises(FileFormatError):
        handmade.read(data, names=["dense/bias"])


def test_mapped_arrays_are_views_that_outlive_the_source(handmade, tmp_path):
    (tmp_path / "a.mlpk").write_bytes(handmade.file())
    for source in (Source.open(tmp_path / "a.mlpk"), Source.of(handmade.file())):
        with source:
            arrays = reader.read_arrays(source, reader.read_header(source), mmap=True)
        assert arrays["dense/bias"].tolist() == [1, -2]
        assert arrays["dense/used"].tolist() == [True, False, True]
        for array in arrays.values():
            assert not array.flags.writeable
            assert not array.flags.owndata
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0


def test_a_mapped_tensor_lies_on_a_boundary_of_64_bytes(opened):
    for array in reader.read_arrays(*opened, mmap=True).values():
        assert array.ctypes.data % 64 == 0


def test_mapping_and_given_arrays_exclude_each_other(opened):
    with pytest.raises(ConfigError, match="into"):
        reader.read_arrays(*opened, mmap=True, into={})


@pytest.mark.parametrize("verify", ["none", "", None, False])
def test_there_is_no_reading_without_checks(opened, verify):
    with pytest.raises(ConfigError, match="'full' or 'header'"):
        reader.read_arrays(*opened, verify=verify)


@pytest.mark.parametrize("mmap", [False, True])
def test_only_the_digests_may_be_left_out(handmade, mmap):
    data = bytearray(handmade.file())
    first = len(data) - 2 * 64 + 5
    assert data[first : first + 4] == struct.pack("<f", 1.0)
    data[first] ^= 1
    with pytest.raises(FileFormatError, match="do not match their digest") as caught:
        handmade.read(bytes(data), mmap=mmap)
    assert (caught.value.field, caught.value.offset) == ("tensors.dense/bias", first)
    assert handmade.read(bytes(data), mmap=mmap, verify="header")["dense/bias"][0] != 1

    for at, problem in [(first + 8, "51 bytes of padding"), (len(data) - 1, "56 bytes of padding")]:
        spoiled = data.copy()
        spoiled[at] = 1
        with pytest.raises(FileFormatError, match=problem):
            handmade.read(bytes(spoiled), mmap=mmap, verify="header")
    data[first + 64] = 2
    with pytest.raises(FileFormatError, match="bools of 0 or 1"):
        handmade.read(bytes(data), mmap=mmap, verify="header")


def test_a_bool_that_is_neither_is_refused_though_its_digest_is_right(handmade):
    tree = handmade.tree()
    tree["tensors"]["dense/used"] |= {"sha256": handmade.sha256(b"\x01\x00\x02")}
    body = handmade.body(handmade.payloads[0], b"\x01\x00\x02" + bytes(56))
    with pytest.raises(FileFormatError, match="bools of 0 or 1") as caught:
        handmade.read(handmade.file(tree, body))
    assert caught.value.field == "tensors.dense/used"


SIZE = 2 * BLOCK + 1000


@pytest.fixture(scope="module")
def large(fields, tmp_path_factory):
    """A file of several blocks, read and written by several threads."""
    values = np.random.default_rng(0).integers(0, 255, SIZE, np.uint8)
    arrays = {"a/a": values, "b/b": values[:5], "c/c": values[: BLOCK // 2].view(np.float64)}
    path = tmp_path_factory.mktemp("large") / "large.mlpk"
    writer.write(path, fields, arrays, durable=False)
    return path, arrays


@pytest.mark.parametrize("mmap", [False, True])
def test_tensors_of_several_blocks(large, mmap):
    path, arrays = large
    with Source.open(path) as source:
        header = reader.read_header(source)
        found = reader.read_arrays(source, header, mmap=mmap)
    assert len(header.tensors["a/a"].sha256) == 3 * 32
    for name, array in arrays.items():
        assert found[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("place", [0, BLOCK - 1, BLOCK, 2 * BLOCK + 999])
def test_damage_in_a_large_file_is_found_in_its_block(large, tmp_path, place):
    data = bytearray(large[0].read_bytes())
    first = data.index(large[1]["a/a"][:100].tobytes())
    data[first + place] ^= 128
    (tmp_path / "bad").write_bytes(data)
    with Source.open(tmp_path / "bad") as source:
        header = reader.read_header(source)
        for mmap in (False, True):
            with pytest.raises(FileFormatError, match="digest") as caught:
                reader.read_arrays(source, header, mmap=mmap)
            assert caught.value.offset == first + place // BLOCK * BLOCK


def test_a_tensor_of_several_chunks(fields, tmp_path):
    values = np.arange(5000, dtype="u2")
    arrays = {"a/a": values, "b/b": np.array([], "f4"), "c/c": values[:1]}
    writer.write(tmp_path / "a", fields, arrays, chunk=1000)
    data = (tmp_path / "a").read_bytes()
    with Source.open(tmp_path / "a") as source:
        header = reader.read_header(source, chunk=1000)
        for options in ({}, {"mmap": True}, {"into": {"a/a": np.zeros(5000, "u2")}}):
            found = reader.read_arrays(source, header, chunk=1000, **options)
            assert found["a/a"].tobytes() == values.tobytes()
            assert found["c/c"].tolist() == [0]
        assert not reader.read_arrays(source, header, chunk=1000, mmap=True)["a/a"].flags.writeable
    start = 64 + struct.unpack(">I", data[60:64])[0]
    assert data[start : start + 5] == b"\xdd" + struct.pack(">I", 11)
    padded = 1019  # the first length from 1000 on that leaves 59 modulo 64
    for i in range(10):
        at = start + 5 + i * (5 + padded)
        assert data[at : at + 5] == b"\xc6" + struct.pack(">I", padded)
        piece = data[at + 5 : at + 5 + padded]
        assert piece == values.tobytes()[i * 1000 : (i + 1) * 1000] + bytes(19)
    with pytest.raises(FileFormatError):
        reader.read_header(Source.of(data))


def test_a_tensor_of_just_one_chunk_is_mapped(fields):
    data = writer.dump(fields, {"a/a": np.arange(100, dtype="u1")}, chunk=100)
    source = Source.of(data)
    header = reader.read_header(source, chunk=100)
    (array,) = reader.read_arrays(source, header, chunk=100, mmap=True).values()
    assert np.shares_memory(array, np.frombuffer(source.mapped(), np.uint8))


def test_every_flipped_byte_of_a_file_of_many_chunks_is_refused(fields):
    arrays = {"a/a": np.arange(60, dtype="u1"), "b/b": np.arange(100, dtype=">u2")}
    data = writer.dump(fields, arrays, chunk=30)

    def read(data):
        source = Source.of(data)
        return reader.read_arrays(source, reader.read_header(source, chunk=30), chunk=30)

    assert read(data)["b/b"].tolist() == list(range(100))
    for index in range(len(data)):
        spoiled = bytearray(data)
        spoiled[index] ^= 16
        with pytest.raises(FileFormatError):
            read(bytes(spoiled))


@pytest.mark.parametrize("mmap", [False, True])
def test_a_sparse_file_of_1_tib_costs_neither_memory_nor_time(handmade, tmp_path, mmap):
    nbytes = 256 * CHUNK + 7
    tree = handmade.tree()
    tree["tensors"] = {
        "a/a": {"at": 10, "dtype": "u8", "nbytes": nbytes, "sha256": bytes(32) * 65_536}
    }
    tree["tensors"]["a/a"]["shape"] = [nbytes]
    start = len(handmade.padded(tree)) + 64
    pieces = [CHUNK] * (nbytes // CHUNK) + [nbytes % CHUNK]
    frames, at = [], start + 5
    for piece in pieces:
        length = piece + (59 - piece) % 64
        frames.append((at, b"\xc6" + struct.pack(">I", length)))
        at += 5 + length
    data = bytearray(handmade.file(tree, b"\xdd" + struct.pack(">I", len(pieces))))
    data[17:25] = struct.pack(">Q", at)
    data[27:59] = handmade.sha256(data[:25] + data[59:start])
    with (tmp_path / "sparse").open("wb") as file:
        file.write(data)
        for place, frame in frames:
            file.seek(place)
            file.write(frame)
        file.truncate(at)
    with Source.open(tmp_path / "sparse") as source:
        header = reader.read_header(source)
        assert header.tensors["a/a"].nbytes == nbytes
        with pytest.raises(FileFormatError, match=r"do not match|not enough memory"):
            reader.read_arrays(source, header, mmap=mmap)


def test_a_lack_of_memory_is_a_refusal(handmade, monkeypatch):
    def full(shape, dtype):
        raise MemoryError(shape, dtype)

    monkeypatch.setattr(np, "empty", full)
    with pytest.raises(FileFormatError, match="not enough memory"):
        handmade.read(handmade.file())


@pytest.mark.thorough
def test_a_tensor_of_more_than_4_gib(fields, tmp_path):
    values = np.zeros(4 * 2**30 + 12_345, np.uint8)
    values[:: 2**20 + 1] = 1
    writer.write(tmp_path / "a", fields, {"a/a": values, "b/b": values[:7]}, durable=False)
    with Source.open(tmp_path / "a") as source:
        header = reader.read_header(source)
        for mmap in (False, True):
            found = reader.read_arrays(source, header, mmap=mmap)
            assert np.array_equal(found["a/a"], values)
            assert found["b/b"].tolist() == values[:7].tolist()

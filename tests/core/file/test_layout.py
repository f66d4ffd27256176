"""Where the bytes of tensors lie, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mlpk.file import layout
from mlpk.file.layout import CHUNK, DTYPES, Limits


def test_the_numbers_of_the_format():
    assert CHUNK == 0xFFFFF000
    limits = Limits()
    assert (limits.header, limits.string, limits.items) == (4_194_304, 65_536, 65_536)
    assert (limits.tensors, limits.nodes, limits.name, limits.rank) == (32_768, 16_384, 255, 32)
    assert (limits.dimension, limits.nbytes) == (2**40, 2**48)
    assert (limits.meta_entries, limits.meta_bytes) == (256, 65_536)


@pytest.mark.parametrize(
    ("nbytes", "padding"), [(0, 59), (1, 58), (58, 1), (59, 0), (60, 63), (64, 59), (CHUNK, 59)]
)
def test_padding_brings_a_payload_to_59_modulo_64(nbytes, padding):
    assert layout.padding(nbytes) == padding


def test_frames():
    assert layout.count_frame(3).hex() == "dd00000003"
    assert layout.chunk_frame(4).hex() == "c60000003b"
    assert layout.chunk_frame(59).hex() == "c60000003b"
    assert layout.chunk_frame(60).hex() == "c60000007b"
    assert layout.chunk_frame(CHUNK).hex() == "c6fffff03b"


@pytest.mark.parametrize(
    ("nbytes", "chunks", "extent"),
    [
        (0, 0, 0),
        (1, 1, 64),
        (59, 1, 64),
        (60, 1, 128),
        (CHUNK, 1, CHUNK + 64),
        (CHUNK + 1, 2, CHUNK + 128),
        (2 * CHUNK, 2, 2 * (CHUNK + 64)),
    ],
)
def test_chunks_of_a_tensor(nbytes, chunks, extent):
    assert layout.chunk_count(nbytes) == chunks
    assert layout.extent(nbytes) == extent


def test_stretches_skip_what_lies_between_two_chunks():
    assert list(layout.stretches(10, 5, 25, 10)) == [
        (15, 5, 10),  # a chunk of 10 takes 5 + 10 + 49 = 64 bytes
        (74, 10, 20),
        (138, 20, 25),
    ]
    assert list(layout.stretches(10, 7, 7, 10)) == []
    far = CHUNK + 7
    assert list(layout.stretches(10, CHUNK - 1, far)) == [
        (10 + CHUNK - 1, CHUNK - 1, CHUNK),
        (10 + CHUNK + 64, CHUNK, far),
    ]


@pytest.mark.parametrize(
    ("name", "numpy_name", "size"),
    [
        ("bool", "bool", 1), ("u8", "uint8", 1), ("u16", "uint16", 2), ("u32", "uint32", 4),
        ("u64", "uint64", 8), ("i8", "int8", 1), ("i16", "int16", 2), ("i32", "int32", 4),
        ("i64", "int64", 8), ("f16", "float16", 2), ("f32", "float32", 4), ("f64", "float64", 8),
        ("c64", "complex64", 8), ("c128", "complex128", 16),
    ],
)  # fmt: skip
def test_the_types_of_the_format(name, numpy_name, size):
    dtype = np.dtype(numpy_name)
    assert DTYPES[name].itemsize == size
    assert DTYPES[name] == dtype.newbyteorder("<")
    assert layout.type_of(dtype) == name
    assert layout.type_of(dtype.newbyteorder(">")) == name


def test_there_are_no_other_types():
    assert len(DTYPES) == 14
    assert layout.type_of(np.dtype(np.longlong)) == "i64"
    for code in ("O", "S1", "U1", "V4", "M8[s]", "m8[s]", "f4,f4", "(2,)f4"):
        assert layout.type_of(np.dtype(code)) is None

"""The bytes of a small file, each of them spelled out."""

from __future__ import annotations

import struct
from hashlib import sha256

import numpy as np

from mlpk.file import reader, writer

BIAS = bytes.fromhex("0000803f 000000c0")
USED = bytes.fromhex("01 00 01")
HEADER = b"".join(
    [
        b"\x89",
        b"\xa8critical\x90",
        b"\xa3ext\x80",
        b"\xa9generator\xaamlpk 1.0.0",
        b"\xa4meta\x81\xa1k\xa1v",
        b"\xa3pad\xc4\x15" + bytes(21),
        b"\xa7plugins\x90",
        b"\xa4spec\x84\xa5dtype\xa7float32\xa6inputs\x90\xa5nodes\x90\xa7outputs\x90",
        b"\xa5state\xc0",
        b"\xa7tensors\x82",
        b"\xaadense/bias\x85\xa2at\x0a\xa5dtype\xa3f32\xa6nbytes\x08",
        b"\xa6sha256\xc4\x20" + sha256(BIAS).digest() + b"\xa5shape\x91\x02",
        b"\xaadense/used\x85\xa2at\x4a\xa5dtype\xa4bool\xa6nbytes\x03",
        b"\xa6sha256\xc4\x20" + sha256(USED).digest() + b"\xa5shape\x91\x03",
    ]
)
BODY = b"".join(
    [
        b"\xdd\x00\x00\x00\x02",
        b"\xc6\x00\x00\x00\x3b" + BIAS + bytes(51),
        b"\xc6\x00\x00\x00\x3b" + USED + bytes(56),
    ]
)
START = bytes.fromhex("dc0006 c408 4d4c504b0d0a1a0a cd0100 cf") + struct.pack(
    ">Q", 64 + len(HEADER) + len(BODY)
)
LENGTH = b"\xc6" + struct.pack(">I", len(HEADER))
DIGEST = sha256(START + LENGTH + HEADER)
FILE = START + b"\xc4\x20" + DIGEST.digest() + LENGTH + HEADER + BODY


def test_the_parts_have_the_lengths_of_the_format():
    assert (len(START), len(HEADER) % 64, len(FILE) % 64) == (25, 54, 59)


def test_the_writer_makes_these_bytes(fields, arrays, tmp_path):
    assert writer.dump(fields, arrays) == FILE
    digest = writer.write(tmp_path / "a.mlpk", fields, arrays)
    assert (tmp_path / "a.mlpk").read_bytes() == FILE
    assert digest == "sha256:" + DIGEST.hexdigest()


def test_the_reader_takes_these_bytes():
    source = reader.Source.of(FILE)
    header = reader.read_header(source, expect="sha256:" + DIGEST.hexdigest())
    arrays = reader.read_arrays(source, header)
    assert reader.digest(source) == "sha256:" + DIGEST.hexdigest()
    assert (header.generator, header.meta, header.pad) == ("mlpk 1.0.0", {"k": "v"}, bytes(21))
    assert list(arrays) == ["dense/bias", "dense/used"]
    np.testing.assert_array_equal(arrays["dense/bias"], np.array([1, -2], np.float32), strict=True)
    np.testing.assert_array_equal(arrays["dense/used"], [True, False, True], strict=True)


def test_the_parts_put_together_elsewhere_are_the_same(handmade):
    assert handmade.file() == FILE

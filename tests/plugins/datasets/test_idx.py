"""The IDX reader, on files written byte by byte."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from math import prod
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlpk.errors import DataError, FileAccessError
from mlpk_plugins.datasets.parts.idx import read_idx

# Two images of 2 x 3.
HEADER = b"\x00\x00\x08\x03" + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x03"
IMAGES = HEADER + bytes(range(12))


def written(folder: Path, data: bytes, name: str = "images") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["images", "images.gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_reads_rows_in_order_whatever_the_name(tmp_path: Path, name: str, pack: type) -> None:
    images = read_idx(written(tmp_path, pack(IMAGES), name), (2, 3))
    assert images.dtype == np.uint8
    assert images.tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]


def test_reads_labels(tmp_path: Path) -> None:
    path = written(tmp_path, b"\x00\x00\x08\x01\x00\x00\x00\x03\x07\x00\x09")
    assert read_idx(path, ()).tolist() == [7, 0, 9]


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
    st.randoms(),
    st.sampled_from([bytes, gzip.compress]),
)
def test_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], random: Random, pack: type
) -> None:
    numbers = random.randbytes(prod(shape))
    data = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + numbers
    path = written(tmp_path_factory.mktemp("idx"), pack(data))
    read = read_idx(path, tuple(shape[1:]))
    assert read.shape == tuple(shape)
    assert read.tobytes() == numbers


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_file_cut_short_is_refused(tmp_path: Path, pack: type) -> None:
    whole = pack(IMAGES)
    for size in range(len(whole)):
        path = written(tmp_path, whole[:size])
        with pytest.raises(DataError, match="images: wanted"):
            read_idx(path, (2, 3))


def test_cut_short_tells_what_was_wanted_and_found(tmp_path: Path) -> None:
    path = written(tmp_path, IMAGES[:-5])
    with pytest.raises(DataError, match=r"images: wanted 12 bytes of .* byte 16 on, found 7:"):
        read_idx(path, (2, 3))


@pytest.mark.parametrize(
    "data",
    [
        IMAGES + b"\x00",
        gzip.compress(IMAGES + b"\x00"),
        gzip.compress(IMAGES) + gzip.compress(b"x"),
    ],
    ids=["plain", "in the stream", "another stream"],
)
def test_what_follows_the_numbers_is_refused(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path, data)
    with pytest.raises(DataError, match="images: wanted 28 bytes in all, found more"):
        read_idx(path, (2, 3))


def test_what_follows_the_gzip_stream_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(IMAGES) + b"more")
    with pytest.raises(DataError, match="images: wanted an intact gzip file"):
        read_idx(path, (2, 3))


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"\x00\x00\x0d\x03", "found 00 00 0d 03"),
        (b"\x00\x00\x08\x01", "found 00 00 08 01"),
        (b"\x00\x01\x08\x03", "found 00 01 08 03"),
        (b"PK\x03\x04", "found 50 4b 03 04"),
        (
            HEADER[:8] + b"\x00\x00\x00\x03\x00\x00\x00\x02",
            r"shape \(N, 2, 3\).* found \(2, 3, 2\)",
        ),
        (b"\x00\x00\x08\x03\x00\x00\x00\x00" + HEADER[8:], r"N >= 1, found \(0, 2, 3\)"),
    ],
    ids=["floats", "labels", "not zero", "zip", "turned", "no rows"],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_another_header_is_refused(tmp_path: Path, start: bytes, found: str, pack: type) -> None:
    path = written(tmp_path, pack(start + IMAGES[len(start) :]))
    with pytest.raises(DataError, match=f"images: wanted .*{found}"):
        read_idx(path, (2, 3))


def test_a_changed_byte_in_gzip_is_never_read_as_other_numbers(tmp_path: Path) -> None:
    whole = gzip.compress(IMAGES)
    refusals = []
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path = written(tmp_path, bytes(damaged))
        try:
            assert read_idx(path, (2, 3)).tobytes() == IMAGES[16:]
        except DataError as error:
            refusals.append(str(error))
    # The time and the system in gzip's header mean nothing; all else is noticed.
    assert len(refusals) >= len(whole) - 6
    assert all(refusal.startswith(f"{path}: wanted") for refusal in refusals)


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(IMAGES + bytes(2**26), 1),
        gzip.compress(HEADER[:12] + bytes(2**26), 1),
        gzip.compress(b"\x00\x00\x08\x03\xff\xff\xff\xff" + HEADER[8:] + b"few", 1),
    ],
    ids=["more than the header says", "another header", "a header that says too much"],
)
def test_a_bomb_is_not_unpacked(tmp_path: Path, data: bytes) -> None:
    path = written(tmp_path, data)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="images: wanted"):
            read_idx(path, (2, 3))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**23


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="images cannot be read") as caught:
        read_idx(tmp_path / "images", (2, 3))
    assert caught.value.path == str(tmp_path / "images")

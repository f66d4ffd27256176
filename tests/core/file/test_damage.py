"""Whatever happens to a file on its way is noticed: flips, cuts, additions, transfers as text."""

from __future__ import annotations

import struct

import pytest

from mlpk.errors import ConfigError, FileFormatError
from mlpk.file import reader
from mlpk.file.layout import Limits
from mlpk.file.source import Source


def test_every_flipped_bit_is_refused(handmade):
    data = handmade.file()
    for index in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[index] ^= 1 << bit
            with pytest.raises(FileFormatError):
                handmade.read(bytes(flipped))


def test_every_cut_is_refused(handmade):
    data = handmade.file()
    for length in range(len(data)):
        with pytest.raises(FileFormatError, match="truncated") as caught:
            handmade.read(data[:length])
        assert str(length) in str(caught.value)
        assert caught.value.offset == (17 if length >= 64 else length)


@pytest.mark.parametrize("more", [b"\x00", b"\n", bytes(64), b"PK\x03\x04"])
def test_trailing_bytes_are_refused(handmade, more):
    with pytest.raises(FileFormatError, match=f"{len(more)} bytes trail") as caught:
        handmade.read(handmade.file() + more)
    assert str(len(handmade.file())) in str(caught.value)
    assert (caught.value.field, caught.value.offset) == ("size", 17)


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data.replace(b"\r\n", b"\n"),
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\r\n", b"\r"),
        lambda data: data.decode("latin-1").encode(),
        lambda data: data.decode(errors="replace").encode(),
    ],
)
def test_a_transfer_as_text_is_told(handmade, harm):
    with pytest.raises(FileFormatError, match="transfer as text") as caught:
        handmade.read(harm(handmade.file()))
    assert (caught.value.field, caught.value.offset) == ("magic", 0)


@pytest.mark.parametrize("data", [b"PK\x03\x04 a zip", b"\x89HDF", b"a" * 200, b"\x80\x04\x95"])
def test_another_file_is_no_mlpk_file(handmade, data):
    with pytest.raises(FileFormatError, match=r"not a \.mlpk file") as caught:
        handmade.read(data)
    assert (caught.value.field, caught.value.offset) == ("magic", 0)


def versioned(handmade, major, minor, tree=None):
    """Return a file of another version, its digest made right."""
    data = handmade.file(tree)
    header = data[64 : 64 + struct.unpack(">I", data[60:64])[0]]
    sealed = bytearray(data)
    sealed[14:16] = bytes([major, minor])
    covered = bytes(sealed[:25]) + bytes(sealed[59:64]) + header
    sealed[27:59] = handmade.sha256(covered)
    return bytes(sealed)


@pytest.mark.parametrize("major", [0, 2, 255])
def test_another_major_version_is_refused(handmade, major):
    with pytest.raises(FileFormatError, match=f"wanted version 1 .* found {major}.0") as caught:
        handmade.read(versioned(handmade, major, 0))
    assert (caught.value.field, caught.value.offset) == ("version", 14)


@pytest.mark.parametrize("offset", [13, 16, 25, 26, 59])
def test_a_wrong_marker_is_told_with_its_place(handmade, offset):
    data = bytearray(handmade.file())
    data[offset] = 0
    with pytest.raises(FileFormatError, match="damaged: wanted the bytes") as caught:
        handmade.read(bytes(data))
    assert caught.value.offset == min(offset, 25) if offset < 59 else 59


def test_a_newer_minor_version_is_read(handmade):
    assert list(handmade.read(versioned(handmade, 1, 7))) == ["dense/bias", "dense/used"]


@pytest.mark.parametrize("minor", [0, 7])
def test_an_unknown_critical_feature_is_refused(handmade, minor):
    tree = handmade.tree() | {"critical": ["sparse"]}
    with pytest.raises(FileFormatError, match="needs 'sparse'") as caught:
        handmade.read(versioned(handmade, 1, minor, tree))
    assert caught.value.field == "critical"


def test_an_unknown_feature_is_told_before_the_keys_that_it_brings(handmade):
    tree = handmade.tree() | {"critical": ["sparse"], "zeros": []}
    with pytest.raises(FileFormatError, match="needs 'sparse'"):
        handmade.read(versioned(handmade, 1, 7, tree))


def test_a_file_can_be_pinned(handmade):
    data = handmade.file()
    found = reader.digest(Source.of(data))
    assert found == "sha256:" + data[27:59].hex()
    assert reader.read_header(Source.of(data), expect=found.upper().replace("SHA", "sha"))
    with pytest.raises(FileFormatError, match="this is another one"):
        reader.read_header(Source.of(data), expect="sha256:" + "0" * 64)


def test_the_pin_is_compared_before_anything_is_parsed(handmade):
    data = handmade.seal(b"\xc1" * 54)
    with pytest.raises(FileFormatError, match="this is another one"):
        reader.read_header(Source.of(data), expect="sha256:" + "0" * 64)


@pytest.mark.parametrize("expect", ["", "abc", "sha256:12", "md5:" + "0" * 64, 7])
def test_a_malformed_pin_is_the_callers_error(handmade, expect):
    with pytest.raises(ConfigError, match="64 hexadecimal digits"):
        reader.read_header(Source.of(handmade.file()), expect=expect)


@pytest.mark.parametrize("length", [53, 54 + 64 * 1000, 2**32 - 10, 0])
def test_a_header_of_impossible_length_is_refused(handmade, length):
    data = bytearray(handmade.file())
    data[60:64] = struct.pack(">I", length)
    with pytest.raises(FileFormatError, match=f"found n = {length}") as caught:
        handmade.read(bytes(data))
    assert (caught.value.field, caught.value.offset) == ("header", 60)


def test_a_header_leaves_room_for_the_count_of_the_chunks(handmade):
    header = handmade.padded(handmade.tree())
    for room in range(5):
        with pytest.raises(FileFormatError, match=f"n <= {len(header) - 5 + room}, found n = "):
            handmade.read(handmade.seal(header, bytes(room)))


def test_a_long_header_needs_an_explicit_limit(handmade):
    tree = handmade.tree() | {"ext": {f"k{i:02}": "v" * 60_000 for i in range(80)}}
    source = Source.of(handmade.file(tree))
    with pytest.raises(FileFormatError, match="n <= 4194304"):
        reader.read_header(source)
    raised = Limits(header=8 * 2**20)
    assert len(reader.read_header(source, limits=raised).ext) == 80
    assert reader.digest(source, limits=raised).startswith("sha256:")

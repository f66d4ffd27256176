"""Tensors: sections 4 to 6 of docs/file-format.md, read from that page alone."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from typing import Any

from oracle_header import MOST_AXES, NAME, array, check_fields, integer_from, require

TENSOR = re.compile(f"{NAME}/{NAME}|slot:{NAME}/{NAME}/{NAME}|state:{NAME}/{NAME}")
MOST_TENSORS = 32_768
LONGEST_NAME = 255
CHUNK = 2**32 - 2**12
BLOCK = 2**24
ITEM = {
    **dict.fromkeys(("bool", "u8", "i8"), 1),
    **dict.fromkeys(("u16", "i16", "f16"), 2),
    **dict.fromkeys(("u32", "i32", "f32"), 4),
    **dict.fromkeys(("u64", "i64", "f64", "c64"), 8),
    "c128": 16,
}
ENTRY = {
    "at": integer_from(0),
    "dtype": lambda value: type(value) is str and value in ITEM,
    "nbytes": integer_from(0),
    "sha256": lambda value: type(value) is bytes,
    "shape": array(integer_from(0), most=MOST_AXES),
}


def check_table(tensors: dict[str, Any]) -> int:
    """Refuse a table whose numbers are not the derived ones; return e, where the file ends."""
    require(len(tensors) <= MOST_TENSORS, "table-too-many")
    end = 5
    for name, entry in tensors.items():
        require(TENSOR.fullmatch(name) is not None and len(name) <= LONGEST_NAME, "table-name")
        check_fields("entry", entry, ENTRY, step="table")
        shape, item, nbytes = entry["shape"], ITEM[entry["dtype"]], entry["nbytes"]
        require(all(length < 2**40 for length in shape), "table-length")
        require(math.prod(filter(None, shape)) * item < 2**48, "table-product")
        require(nbytes == math.prod(shape) * item, "table-nbytes")
        require(len(entry["sha256"]) == 32 * -(-nbytes // BLOCK), "table-digests")
        require(entry["at"] == (end + 5 if nbytes else 0), "table-at")
        whole, rest = divmod(nbytes, CHUNK)
        end += whole * (CHUNK + 64) + (5 + rest + _padding(rest) if rest else 0)
    return end


def check_frames(tensors: dict[str, Any], body: bytes) -> None:
    """Refuse frames that are not the derived ones; `body` begins behind the header."""
    pieces = [piece for entry in tensors.values() for piece in _pieces(entry)]
    require(body[:5] == b"\xdd" + len(pieces).to_bytes(4, "big"), "frame-count")
    for start, size in pieces:
        frame = b"\xc6" + (size + _padding(size)).to_bytes(4, "big")
        require(body[start - 5 : start] == frame, "frame-chunk")


def read_tensor(entry: dict[str, Any], body: bytes) -> bytes:
    """Return a tensor's bytes, its digests, its bools and its padding verified."""
    data = b""
    for start, size in _pieces(entry):
        end = start + size
        data += body[start:end]
        require(not any(body[end : end + _padding(size)]), "payload-padding")
    blocks = (data[start : start + BLOCK] for start in range(0, len(data), BLOCK))
    digests = b"".join(hashlib.sha256(block).digest() for block in blocks)
    require(entry["sha256"] == digests, "payload-digest")
    require(entry["dtype"] != "bool" or not data.strip(b"\0\1"), "payload-bool")
    return data


def _pieces(entry: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """Yield where each piece of a tensor begins and how many bytes it has."""
    start, left = entry["at"], entry["nbytes"]
    while left:
        size = min(left, CHUNK)
        yield start, size
        start, left = start + CHUNK + 64, left - size


def _padding(size: int) -> int:
    return (59 - size) % 64

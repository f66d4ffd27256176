"""A second reader of .mlpk files, written from docs/file-format.md alone.

It shares nothing with mlpk but the page: where the two disagree about a file, one of them, or the
page, is wrong. Speed and memory are no concern here.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any, NamedTuple

from oracle_header import check_header, require
from oracle_msgpack import Refused, decode
from oracle_network import check_network
from oracle_table import check_frames, check_table, read_tensor

__all__ = ["Contents", "Refused", "check_network", "read"]

MAGIC = b"\xdc\x00\x06\xc4\x08MLPK\r\n\x1a\n"
MARKERS = {13: b"\xcd", 16: b"\xcf", 25: b"\xc4\x20", 59: b"\xc6"}
PRELUDE = 64
LARGEST_HEADER = 4 * 2**20


class Array(NamedTuple):
    """A tensor as the file has it, its items little-endian in row-major order."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


class Contents(NamedTuple):
    """All that a file holds."""

    header: dict[str, Any]
    arrays: dict[str, Array]


def read(data: bytes) -> Contents:
    """Return what the file of these bytes holds, or raise Refused: steps 1 to 6, and 8."""
    _check_prelude(data)
    behind = _check_header_bytes(data)
    header = decode(data[PRELUDE:behind])
    check_header(header)
    tensors, body = header["tensors"], data[behind:]
    require(behind + check_table(tensors) == len(data), "frame-end")
    check_frames(tensors, body)
    arrays = {
        name: Array(entry["dtype"], tuple(entry["shape"]), read_tensor(entry, body))
        for name, entry in tensors.items()
    }
    return Contents(header, arrays)


def _check_prelude(data: bytes) -> None:
    require(data.startswith(MAGIC), "prelude-magic")
    require(len(data) >= PRELUDE, "prelude-cut")
    require(data[14] == 1, "prelude-major")
    for at, marker in MARKERS.items():
        require(data[at : at + len(marker)] == marker, "prelude-marker")
    require(int.from_bytes(data[17:25], "big") == len(data), "prelude-size")


def _check_header_bytes(data: bytes) -> int:
    """Return where the header ends, its digest verified."""
    size = int.from_bytes(data[60:64], "big")
    require(size % 64 == 54 and size <= LARGEST_HEADER, "header-length")
    require(size <= len(data) - 69, "header-length")
    behind = PRELUDE + size
    digest = hashlib.sha256(data[:25] + data[59:behind]).digest()
    require(data[27:59] == digest, "header-digest")
    return behind


if __name__ == "__main__":
    for path in sys.argv[1:]:
        try:
            print(path, *read(Path(path).read_bytes()).arrays)  # noqa: T201 - a script
        except Refused as refused:
            print(path, "refused:", refused.rule)  # noqa: T201 - a script

"""The first 64 bytes of a .mlpk file: what it is, its size, and the digest of its header."""

from __future__ import annotations

from hashlib import sha256
from struct import Struct
from typing import Final

import attrs

from mlpk.errors import FileFormatError

__all__ = [
    "DIGEST_AT",
    "PRELUDE_SIZE",
    "START",
    "VERSION",
    "Prelude",
    "digest_text",
    "pack",
    "parse",
]

PRELUDE_SIZE: Final = 64
VERSION: Final = (1, 0)
START: Final = b"\xdc\x00\x06\xc4\x08MLPK\r\n\x1a\n"
DIGEST_AT: Final = 27

# START, marker, major, minor | marker, size | marker, digest | marker, header length
_FORM: Final = Struct(">13sBBB BQ 2s32s BI")
_MARKERS: Final = {13: b"\xcd", 16: b"\xcf", 25: b"\xc4\x20", 59: b"\xc6"}

# What becomes of START on its way through text: line ends rewritten, bytes taken for Latin-1 or
# broken UTF-8.
_THROUGH_TEXT: Final = (
    START.replace(b"\r\n", b"\n"),
    START.replace(b"\r\n", b"\r"),
    START.replace(b"\n", b"\r\n"),
    START.replace(b"\n", b"\r"),
    START.replace(b"\r", b"\n"),
    START.decode("latin-1").encode(),
    START.decode(errors="replace").encode(),
)


@attrs.frozen
class Prelude:
    """What the first 64 bytes say; `covered` is the part of them under the header's digest."""

    minor: int
    size: int
    header: int
    digest: bytes
    covered: bytes

    def matches(self, header: bytes) -> bool:
        """Tell whether the digest is that of this header."""
        return sha256(self.covered + header).digest() == self.digest


def pack(size: int, header: bytes) -> bytes:
    """Return the prelude of a file of `size` bytes with this header."""
    blank = _FORM.pack(START, 0xCD, *VERSION, 0xCF, size, b"\xc4\x20", bytes(32), 0xC6, len(header))
    digest = sha256(_covered(blank) + header).digest()
    return blank[:DIGEST_AT] + digest + blank[DIGEST_AT + 32 :]


def parse(data: bytes, size: int) -> Prelude:
    """Check the first 64 bytes (or all, if there are fewer) of a file of `size` bytes."""
    if data[: len(START)] != START[: len(data)]:
        raise _foreign(data)
    if len(data) < PRELUDE_SIZE:
        raise FileFormatError(
            f"the file is truncated: it ends after {size} bytes, within the {PRELUDE_SIZE} that "
            "every .mlpk file begins with; copy it again",
            offset=size,
        )
    _, _, major, minor, _, declared, _, digest, _, header = _FORM.unpack(data)
    if major != VERSION[0]:
        raise FileFormatError(
            f"wanted version {VERSION[0]} of the format, found {major}.{minor}; a newer mlpk may "
            "read it",
            field="version",
            offset=14,
        )
    for offset in _MARKERS:
        _check_marker(data, offset)
    if declared > size:
        raise FileFormatError(
            f"the file is truncated: it should have {declared} bytes and has {size}; copy it again",
            field="size",
            offset=17,
        )
    if declared < size:
        raise FileFormatError(
            f"{size - declared} bytes trail behind the end: the file should have {declared} bytes "
            f"and has {size}",
            field="size",
            offset=17,
        )
    return Prelude(minor, declared, header, digest, _covered(data))


def digest_text(digest: bytes) -> str:
    """Return a digest as it is written in arguments and messages."""
    return f"sha256:{digest.hex()}"


def _covered(data: bytes) -> bytes:
    return data[: DIGEST_AT - 2] + data[DIGEST_AT + 32 :]


def _check_marker(data: bytes, offset: int) -> None:
    wanted = _MARKERS[offset]
    found = data[offset : offset + len(wanted)]
    if found != wanted:
        raise FileFormatError(
            f"the file is damaged: wanted the bytes {wanted.hex()}, found {found.hex()}",
            field="prelude",
            offset=offset,
        )


def _foreign(data: bytes) -> FileFormatError:
    if data.startswith(_THROUGH_TEXT):
        return FileFormatError(
            "the file was damaged by a transfer as text, which rewrote its line ends or bytes; "
            "copy it again in binary mode",
            field="magic",
            offset=0,
        )
    return FileFormatError(
        f"this is not a .mlpk file: wanted the first bytes {START.hex()}, "
        f"found {data[: len(START)].hex()}",
        field="magic",
        offset=0,
    )

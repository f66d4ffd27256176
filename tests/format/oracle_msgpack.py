"""Canonical msgpack: section 2 of docs/file-format.md, decoded by hand and from that page alone."""

from __future__ import annotations

import math
import struct
from typing import Any, NoReturn

LONGEST_TEXT = 65_536
MOST_ITEMS = 65_536
DEEPEST = 32

# Of each marker: the bytes that follow it with a number, and the least number that needs them all.
UNSIGNED = {0xCC: (1, 2**7), 0xCD: (2, 2**8), 0xCE: (4, 2**16), 0xCF: (8, 2**32)}
TEXT = {0xD9: (1, 32), 0xDA: (2, 2**8), 0xDB: (4, 2**16)}
BIN = {0xC4: (1, 0), 0xC5: (2, 2**8), 0xC6: (4, 2**16)}
ARRAY = {0xDC: (2, 16), 0xDD: (4, 2**16)}
MAP = {0xDE: (2, 16), 0xDF: (4, 2**16)}
# Of each marker: the bytes, and the number below which a number has to lie to need them all.
SIGNED = {0xD0: (1, -(2**5)), 0xD1: (2, -(2**7)), 0xD2: (4, -(2**15)), 0xD3: (8, -(2**31))}

CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
FLOAT = 0xCB


class Refused(Exception):  # noqa: N818 - it says what a reader does, not that it went wrong
    """A file breaks a rule of the page.

    A rule begins with the step of the page's section 7 that refuses, as the names in hostile/ do.
    """

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def decode(data: bytes) -> Any:
    """Return the one value that all of `data` is."""
    decoder = _Decoder(data)
    value = decoder.value(level=1)
    if decoder.at != len(data):
        _refuse("trailing-bytes")
    return value


class _Decoder:
    """A place in a sequence of bytes; each method takes what it returns."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        start, self.at = self.at, self.at + count
        if self.at > len(self.data):
            _refuse("cut")
        return self.data[start : self.at]

    def number(self, width: int, least: int) -> int:
        value = int.from_bytes(self.take(width), "big")
        if value < least:
            _refuse("longer-form")
        return value

    def value(self, level: int) -> Any:  # noqa: C901, PLR0911, PLR0912 - the table, row by row
        marker = self.take(1)[0]
        if marker <= 0x7F:
            return marker
        if marker <= 0x8F:
            return self.map(marker - 0x80, level)
        if marker <= 0x9F:
            return self.array(marker - 0x90, level)
        if marker <= 0xBF:
            return self.text(marker - 0xA0)
        if marker >= 0xE0:
            return marker - 0x100
        if marker in CONSTANTS:
            return CONSTANTS[marker]
        if marker in UNSIGNED:
            return self.number(*UNSIGNED[marker])
        if marker in SIGNED:
            return self.negative(*SIGNED[marker])
        if marker == FLOAT:
            return self.float()
        if marker in TEXT:
            return self.text(self.number(*TEXT[marker]))
        if marker in BIN:
            return self.take(self.number(*BIN[marker]))
        if marker in ARRAY:
            return self.array(self.number(*ARRAY[marker]), level)
        if marker in MAP:
            return self.map(self.number(*MAP[marker]), level)
        return _refuse("marker")

    def negative(self, width: int, below: int) -> int:
        value = int.from_bytes(self.take(width), "big", signed=True)
        if value >= below:
            _refuse("longer-form")
        return value

    def float(self) -> float:
        (value,) = struct.unpack(">d", self.take(8))
        if not math.isfinite(value):
            _refuse("not-finite")
        return float(value)

    def text(self, count: int) -> str:
        if count > LONGEST_TEXT:
            _refuse("text-too-long")
        try:
            return self.take(count).decode()
        except UnicodeDecodeError:
            return _refuse("utf-8")

    def array(self, count: int, level: int) -> list[Any]:
        _check_room(count, level)
        return [self.value(level + 1) for _ in range(count)]

    def map(self, count: int, level: int) -> dict[str, Any]:
        _check_room(count, level)
        pairs: dict[str, Any] = {}
        before = None
        for _ in range(count):
            key = self.value(level + 1)
            if not isinstance(key, str):
                _refuse("key-no-text")
            encoded = key.encode()
            if before is not None and encoded <= before:
                _refuse("key-order")
            pairs[key], before = self.value(level + 1), encoded
        return pairs


def _check_room(count: int, level: int) -> None:
    if count > MOST_ITEMS:
        _refuse("too-many-items")
    if level > DEEPEST:
        _refuse("too-deep")


def _refuse(rule: str) -> NoReturn:
    raise Refused(f"msgpack-{rule}")

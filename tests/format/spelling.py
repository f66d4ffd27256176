"""Trees as msgpack: canonical, but for the parts that say themselves how they are written."""

from __future__ import annotations

import struct
from random import Random
from typing import Any, NamedTuple

import msgpack  # type: ignore[import-untyped] # it has no annotations

WIDTHS = {1: ">B", 2: ">H", 4: ">I", 8: ">Q"}
UNSIGNED = {1: 0xCC, 2: 0xCD, 4: 0xCE, 8: 0xCF}
SIGNED = {1: 0xD0, 2: 0xD1, 4: 0xD2, 8: 0xD3}
LENGTHS: dict[type, dict[int, int]] = {
    str: {1: 0xD9, 2: 0xDA, 4: 0xDB},
    bytes: {1: 0xC4, 2: 0xC5, 4: 0xC6},
    list: {2: 0xDC, 4: 0xDD},
    dict: {2: 0xDE, 4: 0xDF},
}


class Raw(NamedTuple):
    """Bytes that stand in the header as they are."""

    data: bytes


class Pairs(NamedTuple):
    """A map whose keys stand in this order, whether or not they may."""

    items: list[tuple[Any, Any]]


def encode(value: Any) -> bytes:
    """Return a tree's bytes: canonical ones, if nothing in it is `Raw` or `Pairs`."""
    if isinstance(value, Raw):
        return value.data
    if isinstance(value, Pairs):
        return _map(value.items)
    if isinstance(value, dict):
        return _map(sorted(value.items(), key=lambda item: item[0].encode()))
    if isinstance(value, list):
        head: bytes = msgpack.Packer().pack_array_header(len(value))
        return head + b"".join(map(encode, value))
    scalar: bytes = msgpack.packb(value)
    return scalar


def repeated(value: Any, number: int) -> Raw:
    """Return the array that holds a value `number` times."""
    head: bytes = msgpack.Packer().pack_array_header(number)
    return Raw(head + encode(value) * number)


def longer(value: Any, random: Random) -> Raw | None:
    """Return the same value in one of the forms that are not the shortest, if it has any."""
    forms = [form for form in _forms(value) if form != encode(value)]
    return Raw(random.choice(forms)) if forms else None


def _forms(value: Any) -> list[bytes]:
    if type(value) is int:
        forms = []
        for width, form in WIDTHS.items():
            if 0 <= value < 2 ** (8 * width):
                forms.append(_head(UNSIGNED[width], width, value))
            if -(2 ** (8 * width - 1)) <= value < 2 ** (8 * width - 1):
                forms.append(bytes([SIGNED[width]]) + struct.pack(form.lower(), value))
        return forms
    if type(value) is float:
        return [b"\xca" + struct.pack(">f", value)] if abs(value) < 1e30 else []
    if type(value) not in LENGTHS:
        return []
    content = value.encode() if isinstance(value, str) else value
    if isinstance(value, list | dict):
        content = encode(value)[len(_count(value)) :]
    length = len(value) if isinstance(value, list | dict) else len(content)
    fitting = [width for width in LENGTHS[type(value)] if length < 2 ** (8 * width)]
    return [_head(LENGTHS[type(value)][width], width, length) + content for width in fitting]


def _count(value: list[Any] | dict[str, Any]) -> bytes:
    """Return what stands in front of the items."""
    packer = msgpack.Packer()
    pack = packer.pack_array_header if isinstance(value, list) else packer.pack_map_header
    head: bytes = pack(len(value))
    return head


def _head(marker: int, width: int, number: int) -> bytes:
    return bytes([marker]) + struct.pack(WIDTHS[width], number)


def _map(items: list[tuple[Any, Any]]) -> bytes:
    head: bytes = msgpack.Packer().pack_map_header(len(items))
    return head + b"".join(encode(key) + encode(value) for key, value in items)

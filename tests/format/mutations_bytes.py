"""Changes of bytes: in the header, whose digest is made right again, in frames and in the prelude."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from drafts import Draft

BYTES = [0x00, 0x01, 0x7F, 0x80, 0x90, 0xA0, 0xC0, 0xC1, 0xC4, 0xC6, 0xCB, 0xDD, 0xFF]


def header_byte(draft: Draft, random: Random) -> None:
    draft.head.append(partial(_another, where=random.random(), value=random.choice(BYTES)))


def header_bit(draft: Draft, random: Random) -> None:
    draft.head.append(partial(_flipped, where=random.random(), bit=random.randrange(8)))


def header_cut(draft: Draft, random: Random) -> None:
    """Leave out bytes of the header, or put some in, 64 or another number of them."""
    count, where = random.choice([1, 5, 64, 128]), random.random()
    if random.random() < 0.5:
        draft.head.append(partial(_cut, where=where, count=count))
    else:
        filler = random.choice([b"\0", b"\xc0"])
        draft.head.append(
            partial(_inserted, where=random.choice([where, 1.0]), more=filler * count)
        )


def body_byte(draft: Draft, random: Random) -> None:
    """Change a byte behind the header: of a frame, a tensor or the padding."""
    draft.body.append(partial(_another, where=random.random(), value=random.choice(BYTES)))


def frame(draft: Draft, random: Random) -> None:
    """Change the count of the chunks or the first frame: a marker or a length."""
    at, change = random.choice([0, 3, 4, 5, 8, 9]), random.choice([1, 4, 0x40, 0xFF])
    draft.body.append(partial(_shifted, at=at, change=change))


def body_cut(draft: Draft, random: Random) -> None:
    """Make the file end elsewhere than the table says; its size is made right."""
    count = random.choice([1, 5, 64])
    if random.random() < 0.5:
        draft.body.append(partial(_cut, where=1.0, count=count))
    else:
        chunk = random.choice([b"\xc6\0\0\0\x3b" + bytes(59), bytes(64), bytes(count)])
        draft.body.append(partial(_inserted, where=1.0, more=chunk))


def prelude(draft: Draft, random: Random) -> None:
    """Change a byte of the prelude, after the digest was made."""
    draft.file.append(
        partial(_shifted, at=random.randrange(64), change=random.choice([1, 64, 255]))
    )


def _another(data: bytearray, where: float, value: int) -> None:
    if data:
        data[int(where * len(data))] = value


def _flipped(data: bytearray, where: float, bit: int) -> None:
    if data:
        data[int(where * len(data))] ^= 1 << bit


def _shifted(data: bytearray, at: int, change: int) -> None:
    if at < len(data):
        data[at] = (data[at] + change) % 256


def _cut(data: bytearray, where: float, count: int) -> None:
    start = int(where * max(len(data) - count, 0))
    del data[start : start + count]


def _inserted(data: bytearray, where: float, more: bytes) -> None:
    start = int(where * len(data))
    data[start:start] = more


ALL: tuple[Callable[[Draft, Random], bool | None], ...] = (
    header_byte, header_bit, header_bit, header_cut, body_byte, frame, body_cut, prelude,
)  # fmt: skip

"""Hostile files whose bytes are wrong: envelope, frames, payload, spelling of the header."""

from __future__ import annotations

import struct
from hashlib import sha256

import msgpack
from golden import PLAIN, TENSORS, state
from handmade import body, contents, file, header, in_order, padded, payload, sealed

TREE = in_order(header(PLAIN, TENSORS))
HEAD = padded(TREE)
BODY = contents(TENSORS)
VALID = sealed(HEAD, BODY)
BIAS, WEIGHT = (payload(TENSORS[name][2]) for name in ("dense/bias", "dense/weight"))


def resealed(at: int, new: bytes) -> bytes:
    """Return the file with other bytes in its prelude and the digest made right."""
    data = VALID[:at] + new + VALID[at + len(new) :]
    covered = data[:25] + data[59:64] + HEAD
    return data[:27] + sha256(covered).digest() + data[59:]


def framed(at: int, new: bytes) -> bytes:
    """Return the file with other bytes behind its header, counted from there."""
    return sealed(HEAD, BODY[:at] + new + BODY[at + len(new) :])


def bools(content: bytes) -> bytes:
    """Return the file of a run whose callback keeps two bools."""
    slots = {f"slot:{name}/v": tensor for name, tensor in TENSORS.items()}
    mask = {"state:keeper/mask": ("bool", [2], content)}
    return file(PLAIN, {**TENSORS, **slots, **mask}, state=state(0, {}, callbacks={"keeper": {}}))


def spelt(new: bytes, *, old: bytes = b"\xa1k\x01", ext: dict[str, int] | None = None) -> bytes:
    """Return the file with bytes of its header replaced, and a pad that makes the length right."""
    tree = {**TREE, "ext": ext or {"k": 1}}
    for pad in range(64):
        packed = msgpack.packb({**tree, "pad": bytes(pad)})
        assert packed.count(old) == 1
        if len(packed.replace(old, new)) % 64 == 54:
            return sealed(packed.replace(old, new), BODY)
    raise AssertionError("no pad fits")


def valued(value: bytes) -> bytes:
    """Return the file whose `ext` has these bytes as its one value."""
    return spelt(b"\xa1k" + value)


def headed(head: bytes) -> bytes:
    return sealed(head, BODY)


def with_pad(pad: bytes) -> bytes:
    return headed(msgpack.packb({**TREE, "pad": pad}))


def with_digest(digest: bytes) -> bytes:
    """Return the file with another digest for its first tensor."""
    entry = {**TREE["tensors"]["dense/bias"], "sha256": digest}
    return headed(padded({**TREE, "tensors": {**TREE["tensors"], "dense/bias": entry}}))


def envelopes() -> dict[str, bytes]:
    """Return what breaks the envelope, the pad, the frames or the payload."""
    room = bytes(4)  # one byte less than the count of the chunks takes
    digest = sha256(HEAD).digest()
    pad = len(HEAD) - len(msgpack.packb({**TREE, "pad": b""}))
    return {
        "prelude-array-of-five": resealed(2, b"\x05"),
        "prelude-cut": VALID[:40],
        "prelude-digest-marker": resealed(25, b"\xc5"),
        "prelude-empty": b"",
        "prelude-header-marker": resealed(59, b"\xc5"),
        "prelude-line-ends": VALID.replace(b"\r\n", b"\n"),
        "prelude-magic": resealed(8, b"X"),
        "prelude-major-0": resealed(14, b"\x00"),
        "prelude-major-2": resealed(14, b"\x02"),
        "prelude-short-array-form": b"\x96" + VALID[3:],
        "prelude-size-marker": resealed(16, b"\xd3"),
        "prelude-size-too-large": resealed(17, struct.pack(">Q", len(VALID) + 64)),
        "prelude-size-too-small": resealed(17, struct.pack(">Q", len(VALID) - 64)),
        "prelude-trailing-byte": VALID + b"\0",
        "prelude-truncated-by-one": VALID[:-1],
        "prelude-version-marker": resealed(13, b"\xd1"),
        "header-digest-flipped": VALID[:27] + bytes([VALID[27] ^ 1]) + VALID[28:],
        "header-digest-of-header-alone": VALID[:27] + digest + VALID[59:],
        "header-length-beyond-file": resealed(60, struct.pack(">I", len(HEAD) + 640)),
        "header-length-no-room-for-count": sealed(HEAD, room),
        "header-length-off-by-one": with_pad(bytes(pad + 1)),
        "header-length-zero": headed(b""),
        "field-header-no-map": headed(msgpack.packb("t" * 52)),
        "field-pad-longer-than-needed": with_pad(bytes(pad + 64)),
        "field-pad-not-zero": with_pad(bytes(pad - 1) + b"\x01"),
        "frame-chunk-length-off": framed(6, struct.pack(">I", 58)),
        "frame-chunk-marker": framed(5, b"\xc5"),
        "frame-chunk-superfluous": sealed(HEAD, body([BIAS, WEIGHT, payload(b"\0")])),
        "frame-count-marker": framed(0, b"\xdc"),
        "frame-count-off": framed(4, b"\x03"),
        "frame-end-missing": sealed(HEAD, body([BIAS])),
        "frame-end-superfluous": sealed(HEAD, BODY + bytes(64)),
        "payload-bit-flipped": framed(10, b"\x01"),
        "payload-bool-2": bools(b"\x01\x02"),
        "payload-bool-255": bools(b"\xff\x00"),
        "payload-digest-of-other-bytes": with_digest(bytes(32)),
        "payload-digest-with-padding": with_digest(sha256(BIAS).digest()),
        "payload-padding-not-zero": framed(68, b"\x01"),
    }


def spellings() -> dict[str, bytes]:
    """Return headers that are not canonical msgpack, or not within its limits."""
    both = b"\xa1k\x01\xa1l\x01"
    two = {"k": 1, "l": 1}
    far = {"\uffff": 1, "\U0001f600": 1}
    first, second = (msgpack.packb(key) + b"\x01" for key in far)
    digest = b"\xc4\x20" + TREE["tensors"]["dense/bias"]["sha256"]
    many = struct.pack(">I", 65_537)
    return {
        "array-longer-form": valued(b"\xdc\x00\x00"),
        "array-over-65536-items": valued(b"\xdd" + many + b"\xc0" * 65_537),
        "array-promised-and-not-there": valued(b"\xdd\xff\xff\xff\xff"),
        "bin-longer-form": spelt(b"\xc5\x00" + digest[1:], old=digest),
        "byte-c1": valued(b"\xc1"),
        "depth-33": valued(b"\x91" * 30 + b"\x90"),
        "ext-type": valued(b"\xd4\x05\x00"),
        "float-32-bit": valued(b"\xca" + struct.pack(">f", 0.5)),
        "float-infinite": valued(b"\xcb" + struct.pack(">d", float("inf"))),
        "float-nan": valued(b"\xcb" + struct.pack(">d", float("nan"))),
        "int-longer-form": valued(b"\xcc\x01"),
        "int-of-64-bits": valued(b"\xcf" + struct.pack(">Q", 1)),
        "int-signed-form": valued(b"\xd1" + struct.pack(">h", 200)),
        "key-bin": spelt(b"\xc4\x01k\x01"),
        "key-doubled": spelt(b"\xa1k\x01" * 2, old=both, ext=two),
        "key-integer": spelt(b"\x01\x01"),
        "key-nil": spelt(b"\xc0\x01"),
        "keys-in-utf-16-order": spelt(second + first, old=first + second, ext=far),
        "keys-unsorted": spelt(both[3:] + both[:3], old=both, ext=two),
        "map-longer-form": valued(b"\xde\x00\x00"),
        "map-promised-and-not-there": valued(b"\xdf\xff\xff\xff\xff"),
        "negative-longer-form": valued(b"\xd1\xff\xff"),
        "text-invalid-utf-8": valued(b"\xa1\xff"),
        "text-longer-form": valued(b"\xd9\x01k"),
        "text-over-64-kib": valued(b"\xdb" + many + b"t" * 65_537),
        "text-overlong-utf-8": valued(b"\xa2\xc0\x80"),
        "text-surrogate": valued(b"\xa3\xed\xa0\x80"),
        "timestamp": valued(b"\xd6\xff\x00\x00\x00\x00"),
        "trailing-bytes": headed(msgpack.packb({**TREE, "pad": b""}) + bytes(18)),
        "value-cut": spelt(b"\x8a\xa8critical", old=b"\x89\xa8critical"),
    }

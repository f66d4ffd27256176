"""Reading a .mlpk file: prelude, header and tensors, each checked before what follows it.

The order of the checks is part of the format. Nothing is parsed ahead of its digest, nothing
allocated ahead of the check of its size, and the first failure raises.
"""

from __future__ import annotations

import re
from typing import Final

from mlpk.errors import ConfigError, FileFormatError, shown
from mlpk.file.canonical import decode
from mlpk.file.header import HEADER_REST, checked_header
from mlpk.file.layout import (
    ALIGNMENT,
    CHUNK,
    COUNT_SIZE,
    DEFAULTS,
    FRAME_SIZE,
    Limits,
    body_size,
    chunk_count,
    chunk_frame,
    count_frame,
    stretches,
)
from mlpk.file.pause import uncollected
from mlpk.file.payload import read_arrays
from mlpk.file.prelude import DIGEST_AT, PRELUDE_SIZE, digest_text, parse
from mlpk.file.refusal import escaped, refusal
from mlpk.file.source import Source, Window
from mlpk_schemas.file import Header

__all__ = ["Source", "digest", "read_arrays", "read_header"]

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


def read_header(
    source: Source,
    *,
    expect: str | None = None,
    limits: Limits = DEFAULTS,
    chunk: int = CHUNK,
) -> Header:
    """Return the header, after every check that needs neither a tensor's bytes nor a plugin.

    `expect` is the digest that the file must have, as `digest` returns it.
    """
    if expect is not None and (
        not isinstance(expect, str) or _DIGEST.fullmatch(expect.lower()) is None
    ):
        problem = f"wanted 'sha256:' and 64 hexadecimal digits, found {shown(expect)}"
        raise ConfigError("expect", problem)
    with refusal(source.path):
        data, found = _verified(source, limits)
        if expect is not None and found != expect.lower():
            raise FileFormatError(f"wanted the file {expect}, found {found}: this is another one")
        with uncollected():
            header = checked_header(decode(data, limits, start=PRELUDE_SIZE), limits, chunk)
        _check_body(source, PRELUDE_SIZE + len(data), header, chunk)
    return header


def digest(source: Source, *, limits: Limits = DEFAULTS) -> str:
    """Return what identifies the file, "sha256:...", after the checks of prelude and header.

    It covers the header, which holds the digests of all tensors, and the file's size.
    """
    with refusal(source.path):
        return _verified(source, limits)[1]


def _verified(source: Source, limits: Limits) -> tuple[bytes, str]:
    """Return the header's bytes, checked against their digest, and that digest."""
    prelude = parse(bytes(source.read(min(PRELUDE_SIZE, source.size), 0)), source.size)
    most = min(limits.header, source.size - PRELUDE_SIZE - COUNT_SIZE)
    if prelude.header % ALIGNMENT != HEADER_REST or prelude.header > most:
        raise FileFormatError(
            f"wanted a header of n bytes with n % {ALIGNMENT} == {HEADER_REST} and n <= {most}, "
            f"found n = {prelude.header}",
            field="header",
            offset=PRELUDE_SIZE - 4,
        )
    data = bytes(source.read(prelude.header, PRELUDE_SIZE))
    if not prelude.matches(data):
        raise FileFormatError(
            "the file is damaged: its header does not match the digest",
            field="digest",
            offset=DIGEST_AT,
        )
    return data, digest_text(prelude.digest)


def _check_body(source: Source, base: int, header: Header, chunk: int) -> None:
    """Compare the file's end and the frame of each chunk with what the table makes of them."""
    end = base + body_size(header.tensors, chunk)
    if end != source.size:
        problem = f"wanted the tensors to end at byte {end}, found the file's end at {source.size}"
        raise FileFormatError(problem, field="tensors")
    window = Window(source)
    count = count_frame(sum(chunk_count(entry.nbytes, chunk) for entry in header.tensors.values()))
    _check_frame(window, base, count, "chunks")
    for name, entry in header.tensors.items():
        where = f"tensors.{name}"
        for offset, begin, stop in stretches(entry.at, 0, entry.nbytes, chunk):
            _check_frame(window, base + offset - FRAME_SIZE, chunk_frame(stop - begin), where)


def _check_frame(window: Window, offset: int, wanted: bytes, where: str) -> None:
    found = window.read(FRAME_SIZE, offset)
    if found != wanted:
        problem = f"the file is damaged: wanted the bytes {wanted.hex()}, found {found.hex()}"
        raise FileFormatError(problem, field=escaped(where), offset=offset)

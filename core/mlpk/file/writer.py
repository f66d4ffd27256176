"""Writing a .mlpk file, to a path or into memory, through one and the same code.

The header's length is known before the digests in it. So the tensors are written first, each piece
hashed as it is written, then header and prelude. In between, while the disk takes what was written,
the arrays are hashed once more: one that something else changed is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import ConfigError, shown
from mlpk.file.blocks import DIGEST_SIZE, THREADED, digests_size
from mlpk.file.body import Body
from mlpk.file.canonical import encode
from mlpk.file.header import checked_header, pad_size
from mlpk.file.layout import (
    CHUNK,
    COUNT_SIZE,
    DEFAULTS,
    DTYPES,
    FRAME_SIZE,
    Limits,
    body_size,
    extent,
    type_of,
)
from mlpk.file.prelude import DIGEST_AT, PRELUDE_SIZE, digest_text, pack
from mlpk.file.replacement import replacement, syncing
from mlpk.file.source import PathLike
from mlpk_schemas.file import Header
from mlpk_schemas.records import plain

__all__ = ["check", "dump", "write"]


def write(
    path: PathLike,
    header_fields: Mapping[str, Any],
    arrays: Mapping[str, Array],
    *,
    durable: bool = True,
    limits: Limits = DEFAULTS,
    chunk: int = CHUNK,
) -> str:
    """Write a file in one step, so that `path` holds the old bytes or the new; return its digest.

    `header_fields` are the fields of `Header` without `pad` and `tensors`. `arrays` may have any
    layout and byte order; one that is not contiguous is copied while it is written.
    """
    with replacement(path, durable=durable) as out:
        return _emit(out, header_fields, arrays, limits, chunk, durable=durable)


def check(header_fields: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Refuse what `write` would refuse of these, without looking at the arrays' contents."""
    _checked(header_fields, _ordered(arrays), DEFAULTS, CHUNK)


def dump(
    header_fields: Mapping[str, Any],
    arrays: Mapping[str, Array],
    *,
    limits: Limits = DEFAULTS,
    chunk: int = CHUNK,
) -> bytes:
    """Return the bytes that `write` would write."""
    out = BytesIO()
    _emit(out, header_fields, arrays, limits, chunk, durable=False)
    return out.getvalue()


def _emit(
    out: BinaryIO,
    header_fields: Mapping[str, Any],
    arrays: Mapping[str, Array],
    limits: Limits,
    chunk: int,
    *,
    durable: bool,
) -> str:
    """Write all bytes of a file, the prelude last; return the file's digest."""
    ordered = _ordered(arrays)
    tree, length, size = _checked(header_fields, ordered, limits, chunk)
    body = Body(ordered, tree["tensors"], PRELUDE_SIZE + length, chunk)
    written = body.write(out)
    with syncing(out) if durable and body.nbytes >= THREADED else nullcontext():
        body.check(written)
    for name, digests in written.items():
        tree["tensors"][name]["sha256"] = digests
    header = encode(tree, limits)
    prelude = pack(size, header)
    out.seek(PRELUDE_SIZE)
    out.write(header)
    out.seek(0)
    out.write(prelude)
    return digest_text(prelude[DIGEST_AT : DIGEST_AT + DIGEST_SIZE])


def _ordered(arrays: Mapping[str, Array]) -> dict[str, Array]:
    for name, array in arrays.items():
        if not isinstance(name, str) or not isinstance(array, np.ndarray):
            problem = f"wanted names with NumPy arrays, found {shown(name)}: {shown(array)}"
            raise ConfigError("arrays", problem)
    return {name: arrays[name] for name in sorted(arrays)}


def _checked(
    header_fields: Mapping[str, Any], arrays: Mapping[str, Array], limits: Limits, chunk: int
) -> tuple[dict[str, Any], int, int]:
    """Return the header's tree, whose digests are yet to be found, its length and the file's size.

    All that a reader would refuse is refused here, before time is spent on hashing.
    """
    tree = plain(Header(**{**header_fields, "pad": b"", "tensors": {}}))
    table = _table(arrays, chunk)
    blank = {
        name: {**entry, "sha256": bytes(digests_size(entry["nbytes"]))}
        for name, entry in table.items()
    }
    header = checked_header({**tree, "tensors": blank}, limits, chunk)
    length = len(encode({**tree, "tensors": blank}, limits))
    tree |= {"pad": bytes(pad_size(length)), "tensors": table}
    length += pad_size(length)
    if length > limits.header:
        problem = f"wanted a header of at most {limits.header} bytes, found {length}"
        raise ConfigError("header", f"{problem}; keep large texts out of meta and ext")
    return tree, length, PRELUDE_SIZE + length + body_size(header.tensors, chunk)


def _table(arrays: Mapping[str, Array], chunk: int) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {}
    position = COUNT_SIZE
    for name, array in arrays.items():
        kind = type_of(array.dtype)
        if kind is None:
            problem = f"wanted one of the dtypes {', '.join(DTYPES)}, found {array.dtype}"
            raise ConfigError(f"arrays[{name!r}]", problem)
        if kind == "bool" and array.view(np.uint8).max(initial=0) > 1:
            raise ConfigError(f"arrays[{name!r}]", "wanted bools of 0 or 1, found another byte")
        table[name] = {
            "at": position + FRAME_SIZE if array.nbytes else 0,
            "dtype": kind,
            "nbytes": array.nbytes,
            "sha256": b"",
            "shape": list(array.shape),
        }
        position += extent(array.nbytes, chunk)
    return table

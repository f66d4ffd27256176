"""Writing a .mlpk file, to a path or into memory, through one and the same code.

The tensors are hashed twice: first for the header, which comes ahead of them, then again in the
bytes that are handed to the file. So an array that something else changes meanwhile is noticed,
and what is written is always the state of one moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import Any, BinaryIO, TypeAlias, TypeVar

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import ConfigError, DataError, shown
from mlpk.file.blocks import BLOCK, DIGEST_SIZE, batches, digests_size, raw, run
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
    chunk_count,
    chunk_frame,
    count_frame,
    extent,
    padding,
    stretches,
    type_of,
)
from mlpk.file.prelude import DIGEST_AT, PRELUDE_SIZE, digest_text, pack
from mlpk.file.replacement import replacement
from mlpk.file.source import PathLike
from mlpk_schemas.file import Header
from mlpk_schemas.records import plain

__all__ = ["check", "dump", "write"]

T = TypeVar("T")
# A tensor's name and memory, and which of its bytes.
_Block: TypeAlias = tuple[tuple[str, memoryview], int, int]


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
        return _emit(out, header_fields, arrays, limits, chunk)


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
    _emit(out, header_fields, arrays, limits, chunk)
    return out.getvalue()


def _emit(
    out: BinaryIO,
    header_fields: Mapping[str, Any],
    arrays: Mapping[str, Array],
    limits: Limits,
    chunk: int,
) -> str:
    """Write all bytes of a file, the prelude last; return the file's digest."""
    ordered = _ordered(arrays)
    tree, size = _checked(header_fields, ordered, limits, chunk)
    table = tree["tensors"]
    total = sum(array.nbytes for array in ordered.values())
    for digests in run(_jobs(_digests, ordered), total):
        for name, digest in digests:
            table[name]["sha256"] += digest
    header = encode(tree, limits)
    out.write(bytes(PRELUDE_SIZE))
    out.write(header)
    out.write(count_frame(sum(chunk_count(array.nbytes, chunk) for array in ordered.values())))
    for pieces in run(_jobs(partial(_pieces, table, chunk), ordered), total):
        out.writelines(pieces)
    prelude = pack(size, header)
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
) -> tuple[dict[str, Any], int]:
    """Return the header's tree, whose digests are yet to be found, and the file's size.

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
    return tree, PRELUDE_SIZE + length + body_size(header.tensors, chunk)


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


def _jobs(
    function: Callable[[list[_Block]], T], arrays: Mapping[str, Array]
) -> Iterator[Callable[[], T]]:
    return (partial(function, batch) for batch in batches(_memories(arrays)))


def _memories(arrays: Mapping[str, Array]) -> Iterator[tuple[tuple[str, memoryview], int]]:
    """Yield the name and the bytes of each array as the file has them, and their number."""
    for name, array in arrays.items():
        memory = raw(np.asarray(array, array.dtype.newbyteorder("<"), order="C"))
        yield (name, memory), len(memory)


def _digests(batch: list[_Block]) -> list[tuple[str, bytes]]:
    return [(name, sha256(memory[start:stop]).digest()) for (name, memory), start, stop in batch]


def _pieces(table: Mapping[str, Mapping[str, Any]], chunk: int, batch: list[_Block]) -> list[bytes]:
    """Return what stands in the file for blocks of tensors, copied before it is hashed."""
    pieces = []
    for (name, memory), start, stop in batch:
        hashed = sha256()
        for _, begin, end in stretches(0, start, stop, chunk):
            if begin % chunk == 0:
                pieces.append(chunk_frame(min(chunk, len(memory) - begin)))
            pieces.append(bytes(memory[begin:end]))
            hashed.update(pieces[-1])
            if end == len(memory) or end % chunk == 0:
                pieces.append(bytes(padding((end - 1) % chunk + 1)))
        first = start // BLOCK * DIGEST_SIZE
        if hashed.digest() != table[name]["sha256"][first : first + DIGEST_SIZE]:
            raise DataError(
                f"the array '{name}' changed while it was being saved; save when nothing trains "
                "or writes to the model"
            )
    return pieces

"""The layout of a .mlpk file behind its header: limits, tensor types, and where each byte lies.

Behind the header stand the bytes `DD <count>` and that many chunks, each `C6 <length> payload`.
A tensor is cut into pieces of `CHUNK` bytes, one a chunk; zero bytes behind a piece bring the
payload's length to 59 modulo 64, so that the next payload starts at a multiple of 64. Offsets
here count from the end of the header, as the header's own `at` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, cast

import attrs
import numpy as np

from mlpk_schemas.file import TensorEntry, TensorType

__all__ = [
    "ALIGNMENT",
    "CHUNK",
    "COUNT_SIZE",
    "DEFAULTS",
    "DTYPES",
    "FRAME_SIZE",
    "Limits",
    "body_size",
    "chunk_count",
    "chunk_frame",
    "count_frame",
    "extent",
    "padding",
    "stretches",
    "type_of",
]

CHUNK: Final = 4 * 2**30 - 4 * 2**10
ALIGNMENT: Final = 64
COUNT_SIZE: Final = 5
FRAME_SIZE: Final = 5


@attrs.frozen(kw_only=True)
class Limits:
    """What a reader accepts at most; a caller who expects more says so with another instance.

    `header` and `string` count bytes, `items` the entries of one list or map, `name` the bytes of
    a tensor's name. Each dimension lies under `dimension`, and the product of those that are not
    zero times the item's size under `nbytes`. `meta_bytes` counts keys and values together.
    """

    header: int = 4 * 2**20
    string: int = 64 * 2**10
    items: int = 65_536
    nodes: int = 16_384
    tensors: int = 32_768
    name: int = 255
    rank: int = 32
    dimension: int = 2**40
    nbytes: int = 2**48
    meta_entries: int = 256
    meta_bytes: int = 64 * 2**10


DEFAULTS: Final = Limits()

DTYPES: Final[dict[str, np.dtype[Any]]] = {
    name: np.dtype(code)
    for name, code in {
        "bool": "|b1",
        "u8": "|u1",
        "u16": "<u2",
        "u32": "<u4",
        "u64": "<u8",
        "i8": "|i1",
        "i16": "<i2",
        "i32": "<i4",
        "i64": "<i8",
        "f16": "<f2",
        "f32": "<f4",
        "f64": "<f8",
        "c64": "<c8",
        "c128": "<c16",
    }.items()
}
_NAMES: Final = {dtype: name for name, dtype in DTYPES.items()}


def type_of(dtype: np.dtype[Any]) -> TensorType | None:
    """Return the file's name of a dtype in any byte order, None for one that it cannot hold."""
    return cast("TensorType | None", _NAMES.get(dtype.newbyteorder("<")))


def padding(nbytes: int) -> int:
    """Return how many zero bytes follow a piece of a tensor in its payload."""
    return (59 - nbytes) % ALIGNMENT


def chunk_count(nbytes: int, chunk: int = CHUNK) -> int:
    """Return how many chunks a tensor takes; an empty one takes none."""
    return -(-nbytes // chunk)


def count_frame(count: int) -> bytes:
    """Return the bytes that announce the list of chunks."""
    return b"\xdd" + count.to_bytes(4, "big")


def chunk_frame(nbytes: int) -> bytes:
    """Return the bytes in front of the payload that holds a piece of `nbytes`."""
    return b"\xc6" + (nbytes + padding(nbytes)).to_bytes(4, "big")


def extent(nbytes: int, chunk: int = CHUNK) -> int:
    """Return how much of the file a tensor's chunks take, frames and padding included."""
    whole, rest = divmod(nbytes, chunk)
    last = FRAME_SIZE + rest + padding(rest) if rest else 0
    return whole * (FRAME_SIZE + chunk + padding(chunk)) + last


def body_size(table: Mapping[str, TensorEntry], chunk: int = CHUNK) -> int:
    """Return how many bytes follow the header; offsets in the table are right, so the last tells."""
    last = max(table.values(), key=attrgetter("at"), default=None)
    if last is None or last.nbytes == 0:
        return COUNT_SIZE
    return last.at - FRAME_SIZE + extent(last.nbytes, chunk)


def stretches(at: int, start: int, stop: int, chunk: int = CHUNK) -> Iterable[tuple[int, int, int]]:
    """Return where the bytes start:stop of the tensor at `at` lie: (offset, start, stop) a chunk."""
    if start < stop <= chunk:
        return ((at + start, start, stop),)
    return _stretches(at, start, stop, chunk)


def _stretches(at: int, start: int, stop: int, chunk: int) -> Iterator[tuple[int, int, int]]:
    stride = FRAME_SIZE + chunk + padding(chunk)
    while start < stop:
        index, inside = divmod(start, chunk)
        end = min(stop, start - inside + chunk)
        yield at + index * stride + inside, start, end
        start = end

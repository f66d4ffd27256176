"""The tensors of a .mlpk file: read, hashed in the memory they were read into, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from typing import Final, Literal, NamedTuple

import attrs
import numpy as np

from mlpk.arrays import Array
from mlpk.errors import (
    ConfigError,
    FileFormatError,
    ShapeError,
    UnknownArrayError,
    listing,
    nearest,
    shown,
)
from mlpk.file.blocks import BLOCK, DIGEST_SIZE, batches, raw, run
from mlpk.file.layout import CHUNK, DTYPES, body_size, padding, stretches, type_of
from mlpk.file.pause import uncollected
from mlpk.file.refusal import escaped, refusal
from mlpk.file.source import Source, Window
from mlpk_schemas.file import Header, TensorEntry

__all__ = ["read_arrays"]

# Shorter stretches are taken from the window, longer ones are read straight into their array.
_DIRECT: Final = 8 * 2**10
_ZEROS: Final = bytes(64)


def read_arrays(
    source: Source,
    header: Header,
    *,
    into: Mapping[str, Array] | None = None,
    verify: Literal["full", "header"] = "full",
    names: Iterable[str] | None = None,
    mmap: bool = False,
    chunk: int = CHUNK,
) -> dict[str, Array]:
    """Return the tensors of the source that `header` was read from, or those of `names`.

    They come in private memory, or in the arrays of `into` (C-contiguous, with the file's shape
    and dtype), whose contents are undefined after a failure. With `mmap` they are read-only views
    of the file, which must not change or shrink as long as one of them lives (a tensor of several
    chunks is copied). `verify="header"` takes the tensors' bytes without comparing their digests;
    padding and bools are checked all the same.
    """
    if verify not in ("full", "header"):
        raise ConfigError("verify", f"wanted 'full' or 'header', found {shown(verify)}")
    if mmap and into is not None:
        raise ConfigError("into", "mapped tensors cannot be read into given arrays")
    table = header.tensors
    chosen = table if names is None else _chosen(table, names)
    given = {name: array for name, array in (into or {}).items() if name in chosen}
    for name, array in given.items():
        _check_given(name, array, table[name])
    with refusal(source.path):
        reading = _Reading(
            source=source,
            base=source.size - body_size(table, chunk),
            chunk=chunk,
            hashed=verify == "full",
            file=source.mapped() if mmap else None,
            arrays=dict(given),
        )
        jobs = (partial(reading.read, batch) for batch in batches(reading.places(chosen)))
        touched = 0 if mmap and verify == "header" else sum(e.nbytes for e in chosen.values())
        with uncollected():
            for _ in run(jobs, touched):
                pass
    if mmap:
        for array in reading.arrays.values():
            array.flags.writeable = False
    for name, array in given.items():
        if array.dtype != DTYPES[table[name].dtype]:
            array.byteswap(inplace=True)
    return {name: reading.arrays[name] for name in chosen}


class _Place(NamedTuple):
    """Where a tensor goes; `mapped` memory is the file's own and holds its bytes already."""

    name: str
    entry: TensorEntry
    memory: memoryview
    mapped: bool


@attrs.frozen(kw_only=True)
class _Reading:
    """One reading of tensors; `arrays` fills up as their places are asked for."""

    source: Source
    base: int
    chunk: int
    hashed: bool
    file: memoryview | None
    arrays: dict[str, Array]

    def places(self, chosen: Mapping[str, TensorEntry]) -> Iterator[tuple[_Place, int]]:
        """Yield the place of one tensor after the other, made only now, and its size."""
        for name, entry in chosen.items():
            dtype = DTYPES[entry.dtype]
            mapped = self.file is not None and 0 < entry.nbytes <= self.chunk
            if self.file is not None and mapped:
                count = entry.nbytes // dtype.itemsize
                flat = np.frombuffer(self.file, dtype, count, self.base + entry.at)
                self.arrays[name] = flat.reshape(entry.shape)
            elif name not in self.arrays:
                self.arrays[name] = np.empty(entry.shape, dtype)
            yield _Place(name, entry, raw(self.arrays[name]), mapped), entry.nbytes

    def read(self, batch: list[tuple[_Place, int, int]]) -> None:
        """Fill and check blocks of tensors."""
        window = Window(self.source)
        for place, start, stop in batch:
            nbytes = place.entry.nbytes
            for offset, begin, end in stretches(place.entry.at, start, stop, self.chunk):
                at = self.base + offset
                ends = end == nbytes or end % self.chunk == 0
                behind = padding((end - 1) % self.chunk + 1) if ends else 0
                memory = place.memory[begin:end]
                if not place.mapped and end - begin < _DIRECT:
                    piece = window.read(end - begin + behind, at)
                    memory[:] = piece[: end - begin]
                    zeros = piece[end - begin :]
                else:
                    if not place.mapped:
                        self.source.read_into(memory, at)
                    zeros = window.read(behind, at + end - begin)
                if zeros != _ZEROS[:behind]:
                    problem = (
                        f"the file is damaged: the {behind} bytes of padding here are not all zero"
                    )
                    raise FileFormatError(problem, field=_field(place), offset=at + end - begin)
            self._check_block(place, start, stop)

    def _check_block(self, place: _Place, start: int, stop: int) -> None:
        block = place.memory[start:stop]
        first = start // BLOCK * DIGEST_SIZE
        digest = place.entry.sha256[first : first + DIGEST_SIZE]
        if self.hashed and sha256(block).digest() != digest:
            problem = "the file is damaged: the bytes of this tensor do not match their digest"
        elif place.entry.dtype == "bool" and np.frombuffer(block, np.uint8).max() > 1:
            problem = "wanted bools of 0 or 1, found another byte"
        else:
            return
        offset, _, _ = next(iter(stretches(place.entry.at, start, stop, self.chunk)))
        raise FileFormatError(problem, field=_field(place), offset=self.base + offset)


def _chosen(table: Mapping[str, TensorEntry], names: Iterable[str]) -> dict[str, TensorEntry]:
    wanted = set(names)
    for name in sorted(wanted - table.keys()):
        raise UnknownArrayError(
            f"there is no tensor '{name}' in the file.{nearest(name, table)} "
            f"There are: {listing(table)}"
        )
    return {name: entry for name, entry in table.items() if name in wanted}


def _check_given(name: str, array: Array, entry: TensorEntry) -> None:
    if array.shape != entry.shape or type_of(array.dtype) != entry.dtype:
        found = f"{type_of(array.dtype) or array.dtype} of shape {array.shape}"
        raise ShapeError(f"wanted {entry.dtype} of shape {entry.shape}, found {found}", name)
    if not (array.flags.c_contiguous and array.flags.writeable):
        raise ShapeError("wanted a writeable C-contiguous array to read into", name)


def _field(place: _Place) -> str:
    return escaped(f"tensors.{place.name}")

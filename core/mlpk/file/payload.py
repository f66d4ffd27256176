"""The tensors of a .mlpk file: read, hashed in the memory they were read into, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final, Literal

import attrs
import numpy as np

from mlpk.arrays import Array
from mlpk.errors import (
    ConfigError,
    shown,
)
from mlpk.file.blocks import batches, raw, run
from mlpk.file.layout import CHUNK, DTYPES, body_size, padding, stretches
from mlpk.file.refusal import refusal
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
        _check_given(array, table[name], name)
    with refusal(source.path):
        reading = _Reading(
            source=source,
            base=source.size - body_size((entry.nbytes for entry in table.values()), chunk),
            chunk=chunk,
            hashed=verify == "full",
            file=source.mapped() if mmap else None,
            arrays=dict(given),
        )
        return reading.result(chosen)


@attrs.frozen(kw_only=True)
class _Reading:
    """One reading of tensors; `arrays` fills up while their blocks are asked for."""

    source: Source
    base: int
    chunk: int
    hashed: bool
    file: memoryview | None
    arrays: dict[str, Array]

    def result(self, chosen: Mapping[str, TensorEntry]) -> dict[str, Array]:
        jobs = (partial(self._read, batch) for batch in batches(self._memories(chosen)))
        for _ in run(jobs, sum(entry.nbytes for entry in chosen.values())):
            pass
        for name, entry in chosen.items():
            array = self.arrays[name]
            if self.file is not None:
                array.flags.writeable = False
            elif array.dtype != DTYPES[entry.dtype]:
                array.byteswap(inplace=True)
        return {name: self.arrays[name] for name in chosen}

    def _memories(
        self, chosen: Mapping[str, TensorEntry]
    ) -> Iterator[tuple[tuple[str, TensorEntry, memoryview], int]]:
        """Yield one tensor after the other with the memory that it goes to, made only now."""
        for name, entry in chosen.items():
            if self._is_mapped(entry):
                start = self.base + entry.at
                flat = np.frombuffer(self.file[start : start + entry.nbytes], DTYPES[entry.dtype])
                self.arrays[name] = flat.reshape(entry.shape)
            elif name not in self.arrays:
                self.arrays[name] = np.empty(entry.shape, DTYPES[entry.dtype])
            yield (name, entry, raw(self.arrays[name])), entry.nbytes

    def _is_mapped(self, entry: TensorEntry) -> bool:
        return self.file is not None and 0 < entry.nbytes <= self.chunk

    def _read(self, batch: list[tuple[tuple[str, TensorEntry, memoryview], int, int]]) -> None:
        window = Window(self.source)
        for (name, entry, memory), start, stop in batch:
            mapped = self._is_mapped(entry)
            for offset, begin, end in stretches(entry.at, start, stop, self.chunk):
                place = self.base + offset
                if mapped:
                    pass
                elif end - begin < _DIRECT:
                    memory[begin:end] = window.read(end - begin, place)
                else:
                    self.source.read_into(memory[begin:end], place)
                pad = padding(entry.nbytes if end == entry.nbytes else 0)
"""placeholder"""

"""The body of a .mlpk file as it is written: several threads copy, hash and write blocks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np

from mlpk.arrays import Array
from mlpk.errors import DataError
from mlpk.file.blocks import batches, raw, run
from mlpk.file.layout import (
    FRAME_SIZE,
    chunk_count,
    chunk_frame,
    count_frame,
    padding,
    stretches,
)

__all__ = ["Body"]

# A tensor's name and memory, and which of its bytes.
_Block: TypeAlias = tuple[tuple[str, memoryview], int, int]

# What is copied, hashed and written at a time; it stays in a core's cache from one to the next.
_PIECE: Final = 2**20


class Body:
    """Tensors in the order of their names, and where each goes: `table` has the header's entries."""

    def __init__(
        self,
        arrays: Mapping[str, Array],
        table: Mapping[str, Mapping[str, Any]],
        start: int,
        chunk: int,
    ) -> None:
        self._arrays = arrays
        self._table = table
        self._start = start
        self._chunk = chunk
        self._writing = Lock()
        self.nbytes = sum(array.nbytes for array in arrays.values())

    def write(self, out: BinaryIO) -> dict[str, bytes]:
        """Write all from byte `start` on; return the digests of what was written, by tensor."""
        count = sum(chunk_count(array.nbytes, self._chunk) for array in self._arrays.values())
        out.seek(self._start)
        out.write(count_frame(count))
        return self._digests(partial(self._write, out))

    def check(self, written: Mapping[str, bytes]) -> None:
        """Refuse arrays that are not what was written: something else changed one meanwhile."""
        for name, digests in self._digests(_hashed).items():
            if digests != written[name]:
                raise DataError(
                    f"the array '{name}' changed while it was being saved; save when nothing "
                    "trains or writes to the model"
                )

    def _digests(
        self, function: Callable[[list[_Block]], list[tuple[str, bytes]]]
    ) -> dict[str, bytes]:
        """Return what `function` finds of all blocks, joined by tensor."""
        joined = dict.fromkeys(self._arrays, b"")
        jobs = (partial(function, batch) for batch in batches(self._memories()))
        for found in run(jobs, self.nbytes):
            for name, digest in found:
                joined[name] += digest
        return joined

    def _memories(self) -> Iterator[tuple[tuple[str, memoryview], int]]:
        """Yield the name and the bytes of each array as the file has them, and their number."""
        for name, array in self._arrays.items():
            memory = raw(np.asarray(array, array.dtype.newbyteorder("<"), order="C"))
            yield (name, memory), len(memory)

    def _write(self, out: BinaryIO, batch: list[_Block]) -> list[tuple[str, bytes]]:
        """Write neighbouring blocks, piece by piece; return the digest of what was written of each."""
        stretch = _Stretch(out, self._writing, self._start + self._offset(*batch[0]))
        digests = []
        for (name, memory), start, stop in batch:
            hashed = sha256()
            for _, begin, end in stretches(0, start, stop, self._chunk):
                if begin % self._chunk == 0:
                    stretch.add(chunk_frame(min(self._chunk, len(memory) - begin)))
                for first in range(begin, end, _PIECE):
                    piece = bytes(memory[first : min(first + _PIECE, end)])
                    hashed.update(piece)
                    stretch.add(piece)
                if end == len(memory) or end % self._chunk == 0:
                    stretch.add(bytes(padding((end - 1) % self._chunk + 1)))
            digests.append((name, hashed.digest()))
        stretch.flush()
        return digests

    def _offset(self, tensor: tuple[str, memoryview], start: int, stop: int) -> int:
        """Return where the first byte of a block lies, or that of the frame before it."""
        ((at, _, _), *_) = stretches(self._table[tensor[0]]["at"], start, stop, self._chunk)
        return at if start % self._chunk else at - FRAME_SIZE


class _Stretch:
    """Pieces that follow each other in a file that other threads write to elsewhere."""

    def __init__(self, out: BinaryIO, writing: Lock, start: int) -> None:
        self._out = out
        self._writing = writing
        self._start = start
        self._pieces: list[bytes] = []
        self._held = 0

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held >= _PIECE:
            self.flush()

    def flush(self) -> None:
        with self._writing:
            self._out.seek(self._start)
            self._out.writelines(self._pieces)
        self._start += self._held
        self._pieces.clear()
        self._held = 0


def _hashed(batch: list[_Block]) -> list[tuple[str, bytes]]:
    """Return the digest of each block as it is now."""
    return [(name, sha256(memory[start:stop]).digest()) for (name, memory), start, stop in batch]

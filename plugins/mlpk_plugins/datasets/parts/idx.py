"""IDX, the layout of MNIST: a header that tells type and shape, then the numbers, row by row."""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlpk.errors import DataError
from mlpk_plugins.datasets.parts.unpacked import unpacked

__all__ = ["read_idx"]

UNSIGNED_BYTE = 0x08


def read_idx(path: Path, item: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the array (N, *item), N >= 1, of an IDX file of unsigned bytes, gzipped or not.

    The file is 0, 0, the type's code (8), the number of dimensions, each dimension as a
    big-endian 32-bit number, then N * prod(item) bytes. Anything else is a `DataError`.

    Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, "File formats".
    """
    with unpacked(path) as file:
        magic = file.take(4, "IDX magic number")
        wanted = bytes([0, 0, UNSIGNED_BYTE, 1 + len(item)])
        if magic != wanted:
            raise _refused(
                path,
                f"the bytes {wanted.hex(' ')} (IDX, unsigned bytes, {1 + len(item)} dimensions)",
                magic.hex(" "),
            )
        shape = struct.unpack(f">{1 + len(item)}I", file.take(4 * (1 + len(item)), "dimensions"))
        if shape[0] < 1 or shape[1:] != item:
            name = ", ".join(["N", *map(str, item)])
            raise _refused(path, f"the shape ({name}) with N >= 1", str(shape))
        data = file.take(prod(shape), "numbers")
        file.finish()
    return np.frombuffer(data, np.uint8).reshape(shape)


def _refused(path: Path, wanted: str, found: str) -> DataError:
    return DataError(f"{path}: wanted {wanted}, found {found}; is it another file, renamed?")

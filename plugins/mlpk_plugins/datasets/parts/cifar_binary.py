"""The binary layout of CIFAR-10: a label and an image a row, without any header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlpk_plugins.datasets.parts.unpacked import unpacked

__all__ = ["SIDE", "read_cifar"]

SIDE = 32
CHANNELS = 3
ROW = 1 + CHANNELS * SIDE * SIDE


def read_cifar(path: Path, rows: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the images (rows, 32, 32, 3) and labels (rows,) of a file, gzipped or not.

    A row is a label byte, then 1,024 bytes of red, 1,024 of green and 1,024 of blue, each plane
    line by line; channels are moved last in a view, nothing is copied. A file that has not
    exactly `rows` rows is a `DataError`.

    A. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
    """
    with unpacked(path) as file:
        data = file.take(rows * ROW, f"{rows:,} rows of {ROW:,} bytes")
        file.finish()
    table = np.frombuffer(data, np.uint8).reshape(rows, ROW)
    planes = table[:, 1:].reshape(rows, CHANNELS, SIDE, SIDE)
    return planes.transpose(0, 2, 3, 1), table[:, 0]

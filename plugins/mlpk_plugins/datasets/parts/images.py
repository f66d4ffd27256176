"""Images as networks take them: pixels float32 in [0, 1], labels int64."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlpk.errors import DataError

__all__ = ["Images", "Labels", "Split", "labels", "pixels"]

Images: TypeAlias = NDArray[np.float32]
Labels: TypeAlias = NDArray[np.int64]
# x, y, x_test, y_test: images (N, H, W, C) and labels (N,).
Split: TypeAlias = tuple[Images, Labels, Images, Labels]

CLASSES = 10


def pixels(raw: NDArray[np.uint8], top: int, out: Images | None = None) -> Images:
    """Return raw / top as float32, with no float64 on the way; `top` is the largest raw value."""
    return np.divide(raw, np.float32(top), out=out, dtype=np.float32)


def labels(raw: NDArray[np.uint8], path: Path) -> Labels:
    """Return the labels as int64; one that is not of the ten classes is a `DataError`."""
    row = int(np.argmax(raw >= CLASSES))
    if raw[row] >= CLASSES:
        raise DataError(
            f"{path}: wanted labels from 0 to {CLASSES - 1}, found {raw[row]} in row {row}; "
            "remove the file and get it again",
            row,
        )
    return raw.astype(np.int64)

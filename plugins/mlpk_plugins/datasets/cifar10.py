"""CIFAR-10."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlpk.errors import ConfigError, shown
from mlpk_plugins.datasets.parts.cifar_binary import SIDE, read_cifar
from mlpk_plugins.datasets.parts.images import Images, Labels, Split, labels, pixels
from mlpk_plugins.datasets.parts.source import VARIABLE, Remote, locate, under_data

__all__ = ["PartialDataWarning", "cifar10"]

FOLDER = "cifar-10-batches-bin"
BATCHES = {number: f"{FOLDER}/data_batch_{number}.bin" for number in range(1, 6)}
TEST = f"{FOLDER}/test_batch.bin"
ROWS = 10_000
ARCHIVE = Remote(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    "cifar-10-binary.tar.gz",
    (*BATCHES.values(), TEST),
)


class PartialDataWarning(UserWarning):
    """Only some of a dataset's training files are there; the others were left out."""


def cifar10(batches: int | Sequence[int] | None = None) -> Split:
    """Return 50,000 photographs of things and 10,000 to test with: x, y, x_test, y_test.

    x (N, 32, 32, 3), float32 in [0, 1], red, green, blue; y (N,), int64: 0 airplane,
    1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    The training part comes in five files of 10,000 rows. `batches`, a number from 1 to 5 or a
    list of them, takes exactly these, in this order. None takes those in the folder
    cifar-10-batches-bin under MLPK_DATA, with a `PartialDataWarning` if they are fewer than five,
    and all five if there are none. Files that are not there come from the user's cache or are
    downloaded (with the extra "data"); one that cannot be had or is damaged is a `DataError`.

    Krizhevsky, Learning multiple layers of features from tiny images, 2009.
    """
    numbers = _found() if batches is None else _chosen(batches)
    *train, test = locate([*(BATCHES[number] for number in numbers), TEST], [ARCHIVE])
    return *_part(train), *_part([test])


def _found() -> list[int]:
    numbers = [number for number, name in BATCHES.items() if under_data(name) is not None]
    if 0 < len(numbers) < len(BATCHES):
        warnings.warn(
            f"cifar10: {len(numbers)} of the {len(BATCHES)} training batches are under "
            f"{VARIABLE}, so x has {len(numbers) * ROWS:,} rows; batches={numbers} asks for just "
            "these and says nothing",
            PartialDataWarning,
            stacklevel=3,
        )
    return numbers or list(BATCHES)


def _chosen(batches: object) -> list[int]:
    chosen = [batches] if isinstance(batches, int | np.integer) else batches
    if (
        not isinstance(chosen, list | tuple | range)
        or not all(isinstance(number, int | np.integer) for number in chosen)
        or any(isinstance(number, bool) or number not in BATCHES for number in chosen)
        or not 0 < len(set(chosen)) == len(chosen)
    ):
        raise ConfigError(
            "cifar10.batches",
            f"wanted a number from 1 to {len(BATCHES)}, a list of different ones, or None, "
            f"found {shown(batches)}",
        )
    return [int(number) for number in chosen]


def _part(paths: Sequence[Path]) -> tuple[Images, Labels]:
    x = np.empty((len(paths) * ROWS, SIDE, SIDE, 3), np.float32)
    y = np.empty(len(x), np.int64)
    for i, path in enumerate(paths):
        rows = slice(i * ROWS, (i + 1) * ROWS)
        images, classes = read_cifar(path, ROWS)
        pixels(images, 255, out=x[rows])
        y[rows] = labels(classes, path)
    return x, y

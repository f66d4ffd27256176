"""The four files of MNIST, and of each dataset that was made in its likeness."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlpk.errors import DataError
from mlpk_plugins.datasets.parts.idx import read_idx
from mlpk_plugins.datasets.parts.images import Images, Labels, Split, labels, pixels
from mlpk_plugins.datasets.parts.source import Remote, locate

__all__ = ["FILES", "load"]

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
SIDE = 28


def load(folder: str, url: str, sha256: Sequence[str]) -> Split:
    """Return x (N, 28, 28, 1), y (N,), x_test, y_test of the files in `folder`.

    `url` is the folder to download them from, `sha256` their hashes, in the order of `FILES`.
    """
    names = [f"{folder}/{file}" for file in FILES]
    remotes = [
        Remote(f"{url}/{file}", digest, name)
        for file, digest, name in zip(FILES, sha256, names, strict=True)
    ]
    train_images, train_labels, test_images, test_labels = locate(names, remotes)
    return *_part(train_images, train_labels), *_part(test_images, test_labels)


def _part(images: Path, classes: Path) -> tuple[Images, Labels]:
    y = labels(read_idx(classes, ()), classes)
    raw = read_idx(images, (SIDE, SIDE))
    if len(raw) != len(y):
        raise DataError(
            f"wanted as many images as labels, found {len(raw):,} in {images} and {len(y):,} in "
            f"{classes}; are both files of the same part?"
        )
    return pixels(raw[..., None], 255), y

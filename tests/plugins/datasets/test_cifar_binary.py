"""The reader of CIFAR-10's binary layout, on rows built by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from mlpk.errors import DataError
from mlpk_plugins.datasets.parts.cifar_binary import read_cifar


def row(label: int, red: int, green: int, blue: int) -> bytearray:
    return bytearray([label]) + bytes([red]) * 1024 + bytes([green]) * 1024 + bytes([blue]) * 1024


@pytest.mark.parametrize("name", ["batch.bin", "batch.bin.gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_planes_become_channels(tmp_path: Path, name: str, pack: type) -> None:
    first, second = row(3, 10, 20, 30), row(9, 1, 2, 3)
    first[1 + 2 * 32 + 5] = 111  # red, line 2, column 5
    first[1 + 1024 + 31 * 32 + 0] = 122  # green, last line, first column
    first[1 + 2048 + 0 * 32 + 31] = 133  # blue, first line, last column
    path = tmp_path / name
    path.write_bytes(pack(first + second))

    images, labels = read_cifar(path, 2)

    assert images.shape == (2, 32, 32, 3)
    assert images.dtype == labels.dtype == np.uint8
    assert labels.tolist() == [3, 9]
    assert images[0, 2, 5].tolist() == [111, 20, 30]
    assert images[0, 31, 0].tolist() == [10, 122, 30]
    assert images[0, 0, 31].tolist() == [10, 20, 133]
    assert images[0, 5, 2].tolist() == [10, 20, 30]
    assert np.unique(images[1].reshape(-1, 3), axis=0).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("size", "found"),
    [
        (0, "wanted 6,146 bytes of 2 rows of 3,073 bytes from byte 0 on, found 0"),
        (3073, "found 3,073"),
        (6145, "found 6,145"),
        (6147, "wanted 6,146 bytes in all, found more"),
        (9219, "wanted 6,146 bytes in all, found more"),
    ],
)
def test_another_size_is_refused(tmp_path: Path, size: int, found: str, pack: type) -> None:
    path = tmp_path / "batch.bin"
    path.write_bytes(pack(bytes(size)))
    with pytest.raises(DataError, match=rf"batch\.bin: .*{found}"):
        read_cifar(path, 2)


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "batch.bin.gz"
    path.write_bytes(gzip.compress(bytes(6146))[:-1])
    with pytest.raises(DataError, match=r"batch\.bin\.gz: wanted an intact gzip file"):
        read_cifar(path, 2)

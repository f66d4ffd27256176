"""CIFAR-10: small batches in the real layout, and the real ones where they are."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlpk.errors import ConfigError, DataError
from mlpk_plugins.datasets.cifar10 import PartialDataWarning, cifar10
from mlpk_plugins.datasets.parts.images import Split
from mlpk_plugins.datasets.parts.source import Remote

FOLDER = "cifar-10-batches-bin"
TEST = 0


def write(root: Path, *numbers: int, ending: str = "") -> None:
    """Write batches of two rows: in batch k both labels are k, red is k, green 10 k, blue 0."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    for k in numbers:
        data = (bytes([k]) + bytes([k]) * 1024 + bytes([10 * k]) * 1024 + bytes(1024)) * 2
        name = f"data_batch_{k}.bin" if k != TEST else "test_batch.bin"
        (folder / f"{name}{ending}").write_bytes(gzip.compress(data) if ending else data)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Let a batch have two rows, not 10,000; return the module that says so."""
    # The package's attribute of this name is the function.
    module = import_module("mlpk_plugins.datasets.cifar10")
    monkeypatch.setattr(module, "ROWS", 2)
    return module


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_all_batches(data: Path, ending: str) -> None:
    write(data, TEST, 1, 2, 3, 4, 5, ending=ending)

    x, y, x_test, y_test = cifar10()

    assert (x.shape, x_test.shape) == ((10, 32, 32, 3), (2, 32, 32, 3))
    assert x.dtype == x_test.dtype == np.float32
    assert y.dtype == y_test.dtype == np.int64
    assert (y.tolist(), y_test.tolist()) == ([1, 1, 2, 2, 3, 3, 4, 4, 5, 5], [0, 0])
    for image, k in zip(x, y, strict=True):
        assert np.unique(image.reshape(-1, 3), axis=0).tolist() == [
            [np.float32(k / 255), np.float32(10 * k / 255), 0]
        ]
    assert not x_test.any()


@pytest.mark.usefixtures("small", "no_pooch")
def test_fewer_batches_are_taken_and_told(data: Path) -> None:
    write(data, TEST, 4, 2)
    with pytest.warns(PartialDataWarning, match=r"2 of the 5 .* 4 rows; batches=\[2, 4\]") as told:
        _, y, _, _ = cifar10()
    assert y.tolist() == [2, 2, 4, 4]
    assert told[0].filename == __file__


@pytest.mark.usefixtures("small", "no_pooch")
@pytest.mark.parametrize(
    ("batches", "labels"),
    [(2, [2, 2]), ([1], [1, 1]), ((4, 2), [4, 4, 2, 2]), (range(1, 3), [1, 1, 2, 2])],
)
def test_chosen_batches_are_taken_in_their_order(
    data: Path, batches: Any, labels: list[int]
) -> None:
    write(data, TEST, 1, 2, 4)
    assert cifar10(batches=batches)[1].tolist() == labels


@pytest.mark.usefixtures("small", "no_pooch")
@pytest.mark.parametrize(
    ("there", "batches", "missing"),
    [
        ([TEST, 1, 2], [2, 3], "data_batch_3.bin"),
        ([1, 2], [1], "test_batch.bin"),
        ([1, 2, 3, 4, 5], None, "test_batch.bin"),
    ],
)
def test_a_batch_that_cannot_be_had_is_an_error(
    data: Path, there: list[int], batches: Any, missing: str
) -> None:
    write(data, *there)
    with pytest.raises(DataError, match=f"wanted the files {FOLDER}/{missing}; found"):
        cifar10(batches)


@pytest.mark.parametrize(
    "batches",
    [0, 6, -1, True, 1.0, "1", [], [0], [1, 6], [1, 1], [1, True], [1.0], [[1]], {1: 2}, ["1"]],
)
def test_batches_that_do_not_exist_are_refused(batches: Any) -> None:
    with pytest.raises(ConfigError, match=r"cifar10\.batches: wanted a number from 1 to 5"):
        cifar10(batches)


@pytest.mark.parametrize("batches", [None, [5, 1]])
def test_nothing_under_data_downloads_the_archive(
    *,
    tmp_path: Path,
    data: Path,
    cache: Path,
    server: SimpleNamespace,
    small: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    batches: Any,
) -> None:
    write(tmp_path, TEST, 1, 2, 3, 4, 5)
    with tarfile.open(server.folder / "cifar.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / FOLDER, FOLDER)
    digest = hashlib.sha256((server.folder / "cifar.tar.gz").read_bytes()).hexdigest()
    monkeypatch.setattr(
        small,
        "ARCHIVE",
        Remote(f"{server.url}/cifar.tar.gz", digest, "cifar.tar.gz", small.ARCHIVE.members),
    )

    _, y, _, y_test = cifar10(batches)

    assert y.tolist() == [k for k in batches or [1, 2, 3, 4, 5] for _ in range(2)]
    assert y_test.tolist() == [0, 0]
    assert (cache / FOLDER / "data_batch_3.bin").is_file()
    assert list(data.iterdir()) == []


@pytest.mark.usefixtures("small")
def test_a_label_of_no_class_is_refused(data: Path) -> None:
    write(data, TEST, 1)
    path = data / FOLDER / "data_batch_1.bin"
    damaged = bytearray(path.read_bytes())
    damaged[3073] = 10
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"data_batch_1\.bin: .* found 10 in row 1"):
        cifar10(1)


def test_a_batch_has_ten_thousand_rows(data: Path) -> None:
    write(data, TEST, 1)
    with pytest.raises(
        DataError, match=r"data_batch_1\.bin: wanted 30,730,000 bytes .* found 6,146"
    ):
        cifar10(1)


@pytest.fixture(scope="module")
def whole(real: Path) -> Split:
    if not (real / FOLDER).is_dir():
        pytest.skip(f"needs the whole CIFAR-10: there is no folder {FOLDER} under MLPK_DATA")
    return cifar10(1)


def test_whole_batch(whole: Split) -> None:
    x, y, x_test, y_test = whole
    assert x.shape == x_test.shape == (10_000, 32, 32, 3)
    assert x.dtype == x_test.dtype == np.float32
    assert y.dtype == y_test.dtype == np.int64
    assert (x.min(), x.max(), x_test.min(), x_test.max()) == (0, 1, 0, 1)
    assert y[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert np.bincount(y_test).tolist() == [1000] * 10


def test_whole_batch_has_lines_columns_and_channels_in_their_places(whole: Split) -> None:
    x = whole[0]
    # Photographs are smooth: neighbours differ less than anything that was mixed up would.
    assert np.abs(x[:, 1:] - x[:, :-1]).mean() < 0.07
    assert np.abs(x[:, :, 1:] - x[:, :, :-1]).mean() < 0.07
    # The mean colour of CIFAR-10, which everybody normalises it with.
    mean = x.mean(axis=(0, 1, 2), dtype=np.float64)
    np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=0.005)


def test_whole_batches_under_data(real: Path) -> None:
    there = sorted((real / FOLDER).glob("data_batch_?.bin*"))
    if not there:
        pytest.skip("needs batches of CIFAR-10 under MLPK_DATA")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        _, y, _, _ = cifar10()
    assert len(y) == 10_000 * len(there)
    assert [warning.category for warning in told] == [PartialDataWarning] * (len(there) < 5)

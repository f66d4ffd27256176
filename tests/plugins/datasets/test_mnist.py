"""MNIST and Fashion-MNIST: small sets in the real layout, and the real MNIST where it is."""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mlpk.errors import DataError
from mlpk_plugins.datasets.fashion_mnist import fashion_mnist
from mlpk_plugins.datasets.mnist import mnist
from mlpk_plugins.datasets.parts.images import Split

BOTH = [
    pytest.param(mnist, "mnist", id="mnist"),
    pytest.param(fashion_mnist, "fashion-mnist", id="fashion"),
]
FILES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


def images(rows: int) -> bytes:
    """Rows of 28 x 28 pixels; each pixel's value is its line, plus 100 in its last column."""
    image = np.repeat(np.arange(28), 28).reshape(28, 28)
    image[:, 27] += 100
    return struct.pack(">4B3I", 0, 0, 8, 3, rows, 28, 28) + image.astype(np.uint8).tobytes() * rows


def labels(*values: int) -> bytes:
    return struct.pack(">4BI", 0, 0, 8, 1, len(values)) + bytes(values)


def write(folder: Path, ending: str, **files: bytes) -> None:
    """Write a small set: three rows to train with and two to test with, unless told otherwise."""
    small = {
        "train_images": images(3),
        "train_labels": labels(7, 0, 9),
        "t10k_images": images(2),
        "t10k_labels": labels(4, 4),
    }
    folder.mkdir()
    for name, content in zip(FILES, (small | files).values(), strict=True):
        packed = gzip.compress(content, mtime=0) if ending else content
        (folder / f"{name}{ending}").write_bytes(packed)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(("dataset", "folder"), BOTH)
def test_small_set(data: Path, dataset: Callable[[], Split], folder: str, ending: str) -> None:
    write(data / folder, ending)

    x, y, x_test, y_test = dataset()

    assert (x.shape, x_test.shape) == ((3, 28, 28, 1), (2, 28, 28, 1))
    assert x.dtype == x_test.dtype == np.float32
    assert y.dtype == y_test.dtype == np.int64
    assert (y.tolist(), y_test.tolist()) == ([7, 0, 9], [4, 4])
    assert x[2, 5, 3, 0] == np.float32(5 / 255)
    assert x_test[1, 5, 27, 0] == np.float32(105 / 255)


@pytest.mark.parametrize(("dataset", "folder"), BOTH)
def test_small_set_from_a_server(
    *,
    data: Path,
    cache: Path,
    server: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    dataset: Callable[[], Split],
    folder: str,
) -> None:
    write(server.folder / "there", ".gz")
    served = [server.folder / "there" / f"{name}.gz" for name in FILES]
    # The package's attribute of this name is the function.
    module = import_module(f"mlpk_plugins.datasets.{dataset.__name__}")
    monkeypatch.setattr(module, "URL", f"{server.url}/there")
    monkeypatch.setattr(
        module, "SHA256", [hashlib.sha256(path.read_bytes()).hexdigest() for path in served]
    )

    _, y, _, y_test = dataset()

    assert (y.tolist(), y_test.tolist()) == ([7, 0, 9], [4, 4])
    assert sorted(path.name for path in (cache / folder).iterdir()) == sorted(
        path.name for path in served
    )
    assert list(data.iterdir()) == []


@pytest.mark.usefixtures("no_pooch", "data")
@pytest.mark.parametrize(("dataset", "folder"), BOTH)
def test_without_files_all_four_are_named(dataset: Callable[[], Split], folder: str) -> None:
    with pytest.raises(DataError) as caught:
        dataset()
    assert all(f"{folder}/{name}.gz" in str(caught.value) for name in FILES)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"train_images": images(2)}, r"found 2 in .*train-images.* and 3 in .*train-labels"),
        ({"t10k_labels": labels(1)}, r"found 2 in .*t10k-images.* and 1 in .*t10k-labels"),
        ({"train_labels": labels(1, 12, 3)}, "train-labels.*: wanted labels .* found 12 in row 1"),
        ({"train_labels": images(3)}, r"train-labels.*: wanted .* found 00 00 08 03"),
        ({"t10k_images": images(2)[:-1]}, "t10k-images.*: wanted .* bytes .* found 1,567"),
    ],
    ids=["images missing", "labels missing", "no class", "images for labels", "cut short"],
)
def test_a_set_that_does_not_fit_is_refused(
    data: Path, files: dict[str, bytes], problem: str
) -> None:
    write(data / "mnist", ".gz", **files)
    with pytest.raises(DataError, match=problem):
        mnist()


@pytest.fixture(scope="module")
def whole(real: Path) -> Split:
    if not (real / "mnist").is_dir():
        pytest.skip("needs the whole MNIST: there is no folder mnist under MLPK_DATA")
    return mnist()


def test_whole_mnist(whole: Split) -> None:
    x, y, x_test, y_test = whole
    assert (x.shape, x_test.shape) == ((60_000, 28, 28, 1), (10_000, 28, 28, 1))
    assert (y.shape, y_test.shape) == ((60_000,), (10_000,))
    assert x.dtype == x_test.dtype == np.float32
    assert y.dtype == y_test.dtype == np.int64
    assert (x.min(), x.max(), x_test.min(), x_test.max()) == (0, 1, 0, 1)


def test_whole_mnist_has_the_known_labels(whole: Split) -> None:
    _, y, _, y_test = whole
    assert y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert y_test[:4].tolist() == [7, 2, 1, 0]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y).tolist() == counts
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_whole_mnist_has_the_known_brightness(whole: Split) -> None:
    # The mean and the deviation that everybody normalises MNIST with.
    assert whole[0].mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert whole[0].std(dtype=np.float64) == pytest.approx(0.3081, abs=5e-5)

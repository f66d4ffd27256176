"""The digits that come with mlpk."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

from mlpk_plugins.datasets.digits import digits

HERE = resources.files("mlpk_plugins.datasets")
# Of each digit, as the set's authors count their test part.
COUNTS = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])


def test_shapes_and_types() -> None:
    x, y, x_test, y_test = digits()
    assert (x.shape, x_test.shape) == ((1437, 8, 8, 1), (360, 8, 8, 1))
    assert (y.shape, y_test.shape) == ((1437,), (360,))
    assert x.dtype == x_test.dtype == np.float32
    assert y.dtype == y_test.dtype == np.int64


def test_pixels_are_sixteenths() -> None:
    x, _, x_test, _ = digits()
    every = np.concatenate([x, x_test]) * 16
    assert np.unique(every).tolist() == list(range(17))


def test_each_digit_has_its_share_in_both_parts() -> None:
    _, y, _, y_test = digits()
    assert (np.bincount(y) + np.bincount(y_test)).tolist() == COUNTS.tolist()
    assert np.abs(np.bincount(y_test) - COUNTS / 5).max() < 1


def test_the_split_is_fixed() -> None:
    x, y, x_test, y_test = digits()
    assert y[:10].tolist() == [6, 6, 5, 6, 6, 2, 2, 1, 1, 9]
    assert y_test[:10].tolist() == [6, 2, 0, 4, 1, 5, 9, 7, 3, 4]
    assert (16 * x[0, :, :, 0]).tolist() == [
        [0, 0, 1, 13, 7, 0, 0, 0],
        [0, 0, 7, 14, 2, 0, 0, 0],
        [0, 0, 13, 5, 0, 0, 0, 0],
        [0, 0, 16, 3, 0, 0, 0, 0],
        [0, 3, 16, 10, 12, 12, 3, 0],
        [0, 3, 16, 11, 5, 9, 12, 0],
        [0, 1, 13, 11, 4, 13, 11, 0],
        [0, 0, 1, 12, 16, 11, 2, 0],
    ]
    assert (16 * x.sum(), 16 * x_test.sum()) == (449434, 112284)


def test_no_row_is_in_both_parts() -> None:
    x, _, x_test, _ = digits()
    rows = [image.tobytes() for image in (*x, *x_test)]
    assert len(set(rows)) == 1797


def test_the_labels_belong_to_the_images() -> None:
    x, y, x_test, y_test = digits()
    centres = np.stack([x[y == digit].mean(axis=0).ravel() for digit in range(10)])
    distance = ((x_test.reshape(-1, 1, 64) - centres) ** 2).sum(axis=-1)
    assert (distance.argmin(axis=1) == y_test).mean() > 0.85


def test_each_call_gives_arrays_of_its_own() -> None:
    for array in digits():
        array[...] = 0
    assert all(array.any() for array in digits())


def test_the_file_is_small_and_holds_plain_bytes() -> None:
    file = HERE / "digits.npz"
    assert len(file.read_bytes()) < 100_000
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        assert {name: (a.shape, a.dtype) for name, a in arrays.items()} == {
            "x": ((1797, 8, 8), np.uint8),
            "y": ((1797,), np.uint8),
        }


def test_the_licence_lies_beside_the_data() -> None:
    text = (HERE / "digits.txt").read_text()
    for part in ("Alpaydin", "Kaynak", "10.24432/C50P49", "CC BY 4.0"):
        assert part in text
        assert part in (digits.__doc__ or "")


def test_the_rows_are_those_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="compares with scikit-learn's copy")
    theirs, labels = datasets.load_digits(return_X_y=True)
    x, y, x_test, y_test = digits()
    ours = 16 * np.concatenate([x, x_test]).reshape(-1, 64)
    assert sorted(zip(ours.tolist(), [*y, *y_test], strict=True)) == sorted(
        zip(theirs.tolist(), labels, strict=True)
    )

"""The arrays that commands work on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mlpk
from mlpk.cli.data import read_arrays, read_data
from mlpk.errors import ConfigError, DataError, FileAccessError
from mlpk_schemas.run import ArraysConfig, DatasetConfig


def save(folder: Path, **arrays: np.ndarray) -> None:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def test_a_dataset_with_a_test_part(tmp_path: Path) -> None:
    data = read_data(DatasetConfig(name="digits"), tmp_path)
    x, y, x_test, y_test = mlpk.datasets.digits()
    np.testing.assert_array_equal(data.x, x)
    np.testing.assert_array_equal(data.y, y)
    assert data.test is not None
    np.testing.assert_array_equal(data.test[0], x_test)
    np.testing.assert_array_equal(data.test[1], y_test)


def test_a_dataset_gets_its_arguments_and_may_have_no_test_part(tmp_path: Path) -> None:
    data = read_data(DatasetConfig(name="xor", arguments={"n": 12, "seed": 1}), tmp_path)
    assert len(data.x) == len(data.y) == 12
    assert data.test is None


@pytest.mark.parametrize(
    ("name", "arguments", "where", "words"),
    [
        ("digit", {}, "data.name", "Did you mean 'digits'?"),
        ("digits", {"n": 3}, "data.n", "digits takes no arguments"),
        ("xor", {"sed": 3}, "data.sed", "Did you mean 'seed'?"),
        ("cifar10", {"batches": 6}, "data.batches", "wanted a number from 1 to 5"),
    ],
)
def test_a_wrong_dataset_or_argument_is_named(
    tmp_path: Path, name: str, arguments: dict[str, object], where: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_data(DatasetConfig(name=name, arguments=arguments), tmp_path)
    assert caught.value.where == where
    assert words in str(caught.value)


def test_files_lie_beside_the_configuration(tmp_path: Path) -> None:
    rows, labels = np.ones((3, 2), np.float32), np.arange(3)
    save(tmp_path, a=rows, b=rows * 2, y=labels, w=labels, va=rows * 3, vy=labels + 1)
    config = ArraysConfig(
        x={"left": "a.npy", "right": "b.npy"},
        y="y.npy",
        weight="w.npy",
        x_validation={"left": "va.npy", "right": "va.npy"},
        y_validation="vy.npy",
    )
    data = read_data(config, tmp_path)
    assert {name: array[0, 0] for name, array in data.x.items()} == {"left": 1, "right": 2}
    np.testing.assert_array_equal(data.y, [0, 1, 2])
    np.testing.assert_array_equal(data.weight, [0, 1, 2])
    assert data.test is not None
    assert data.test[0]["right"][0, 0] == 3
    np.testing.assert_array_equal(data.test[1], [1, 2, 3])


def test_an_npz_file_holds_arrays_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, a=np.ones(2), b=np.zeros(3))
    held = read_arrays(path)
    assert isinstance(held, dict)
    assert {name: array.shape for name, array in held.items()} == {"a": (2,), "b": (3,)}
    with pytest.raises(DataError, match="wanted one array"):
        read_data(ArraysConfig(x="x.npz", y="x.npz"), tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04 not a zip", b"\x93NUMPY\x01\x00\x05\x00{'a'}"]
)
def test_what_is_no_array_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.npy: wanted an array"):
        read_arrays(path)


@pytest.mark.parametrize("length", [7, 9, 60, 128, 136, 200])
def test_an_array_that_is_cut_short_is_told_so(tmp_path: Path, length: int) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.arange(10.0))
    whole = path.read_bytes()
    assert len(whole) > length
    path.write_bytes(whole[:length])
    with pytest.raises(DataError, match=r"; found an \.npy file that is cut short: write or copy"):
        read_arrays(path)
    path.write_bytes(whole[:8] + b"\x05\x00{'a'}" + whole[15:])
    with pytest.raises(DataError, match=r"; found an \.npy file that is damaged: "):
        read_arrays(path)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.array([print], object), allow_pickle=True)
    wanted = r"wanted an array of numbers in NumPy's \.npy or \.npz form, np.save\(...\); found "
    objects = (
        rf'{wanted}Python objects \(dtype object\): make numbers of them, np.array\(..., dtype="'
    )
    with pytest.raises(DataError, match=objects):
        read_arrays(path)
    np.savez(tmp_path / "x.npz", x=np.array([print], object))
    with pytest.raises(DataError, match=objects):
        read_arrays(tmp_path / "x.npz")
    path.write_text("1,2,3\n4,5,6\n7,8,9\n")
    with pytest.raises(
        DataError, match=rf"{wanted}a file that begins with b'1,2,3\\n4,5,6\\n7,8,'$"
    ):
        read_arrays(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"x\.npy: the array cannot be read: No such file"):
        read_arrays(tmp_path / "x.npy")

"""The arrays that a command works on: a registered dataset, or NumPy's files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.lib.format import MAGIC_PREFIX

import mlpk
from mlpk.arrays import Array
from mlpk.calling import called
from mlpk.cli.kinds import found
from mlpk.errors import DataError, FileAccessError
from mlpk_schemas.errors import quoted
from mlpk_schemas.run import DataConfig, DatasetConfig

__all__ = ["Data", "read_arrays", "read_data"]

# What NumPy says of a file that ends in its header, and of one with too few numbers behind it.
CUT = ("EOF: ", "cannot reshape array", "Failed to read all data")


@attrs.frozen(eq=False)
class Data:
    """Rows to train on, and a test part (x, y) where there is one; dicts for several inputs."""

    x: Any
    y: Any
    weight: Array | None = None
    test: tuple[Any, Any] | None = None


def read_data(config: DataConfig, folder: Path) -> Data:
    """Return the data of a configuration that lies in `folder`."""
    if isinstance(config, DatasetConfig):
        made = called(
            found(mlpk.datasets, config.name, "data.name"), config.name, config.arguments, "data"
        )
        if not isinstance(made, tuple) or len(made) not in (2, 4):
            problem = f"wanted x, y or x, y, x_test, y_test, found a {type(made).__name__}"
            raise DataError(f"the dataset {config.name}: {problem}")
        return Data(made[0], made[1], test=made[2:] or None)
    x, y, weight, x_test, y_test = (
        _arrays(given, folder)
        for given in (
            config.x, config.y, config.weight, config.x_validation, config.y_validation,
        )
    )  # fmt: skip
    return Data(x, y, weight, None if x_test is None else (x_test, y_test))


def read_arrays(path: Path) -> Array | dict[str, Array]:
    """Return the array of an .npy file, or the arrays of an .npz file by name."""
    try:
        with path.open("rb") as file:
            held = np.load(file, allow_pickle=False)
            return held if isinstance(held, np.ndarray) else dict(held)
    except OSError as error:
        problem = f"{path}: the array cannot be read: {error.strerror or error}"
        raise FileAccessError(problem, str(path), error.errno) from error
    except MemoryError:
        raise
    except ValueError as error:
        # NumPy takes any other file for a pickle, and advises to allow that.
        problem = f"{path}: wanted an array of numbers in NumPy's .npy or .npz form, np.save(...)"
        raise DataError(f"{problem}; found {_held_instead(path, error)}") from error
    except Exception as error:  # whatever NumPy and zipfile make of a file that is not theirs
        raise DataError(f"{path}: wanted an array in NumPy's .npy or .npz form: {error}") from error


def _held_instead(path: Path, error: ValueError) -> str:
    """Return what a file holds that NumPy reads no array from."""
    if str(error).startswith("Object arrays"):
        return 'Python objects (dtype object): make numbers of them, np.array(..., dtype="float32")'
    with path.open("rb") as file:
        start = file.read(16)
    if not start.startswith(MAGIC_PREFIX):
        return f"a file that begins with {quoted(start)}"
    if any(words in str(error) for words in CUT):
        return "an .npy file that is cut short: write or copy it anew"
    return f"an .npy file that is damaged: {error}"


def _arrays(given: str | Mapping[str, str] | None, folder: Path) -> Any:
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {name: _array(folder / file) for name, file in given.items()}
    return _array(folder / given)


def _array(path: Path) -> Array:
    held = read_arrays(path)
    if isinstance(held, dict):
        raise DataError(f"{path}: wanted one array, an .npy file, found several in an .npz file")
    return held

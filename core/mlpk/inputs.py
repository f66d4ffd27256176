"""What users pass in: arrays told apart by name, checked and converted, dtypes and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from mlpk.arrays import Array, frozen_view
from mlpk.declaration import Shape
from mlpk.errors import ConfigError, DataError, ShapeError, nearest, shown
from mlpk_schemas.model import InputSpec

__all__ = [
    "as_array",
    "by_name",
    "check_count",
    "check_flag",
    "check_input",
    "converted",
    "float_name",
    "network_inputs",
    "one_or_all",
    "refuse_list",
    "row_count",
]


def refuse_list(given: Any, names: Sequence[str], role: str) -> NoReturn:
    """Refuse what is neither an array nor a dict of them, and say what to write."""
    if len(names) > 1:
        table = ", ".join(f'"{name}": ...' for name in names)
        problem = f"{role}: wanted a dict of arrays, {{{table}}}, found {shown(given)}"
    else:
        problem = (
            f"{role}: wanted an array, found a {type(given).__name__}; make rows one array, "
            "np.asarray(...); give several inputs or outputs as a dict by name"
        )
    raise DataError(problem)


def by_name(given: Any, names: Sequence[str], role: str) -> dict[str, Array]:
    """Return arrays by name from one array, or from a dict that names them all."""
    # An array is told first: whether something is a mapping takes as long as a small layer.
    if isinstance(given, np.ndarray) or not isinstance(given, Mapping):
        if len(names) > 1:
            refuse_list(given, names, role)
        return {names[0]: as_array(given, role)}
    for name in given:
        if name not in names:
            problem = f"there is no '{name}'; wanted {list(names)}.{nearest(str(name), names)}"
            raise ConfigError(f"{role}['{name}']", problem)
    for name in names:
        if name not in given:
            raise ConfigError(f"{role}['{name}']", "is missing from the dict")
    return {name: as_array(given[name], f"{role}['{name}']") for name in names}


def as_array(given: Any, role: str) -> Array:
    """Return one array of numbers; lists, text and objects are refused with advice."""
    if type(given) is not np.ndarray:
        _refuse_unfit(given, role)
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        target = role.rpartition(", ")[2].startswith("y")
        problem = f"wanted real numbers, found dtype {array.dtype}"
        if array.size:
            problem += f", such as {shown(array.item(0))}"
        if target and array.size and isinstance(array.item(0), str | bytes):
            problem += "; labels are numbered from 0: np.unique(y, return_inverse=True)[1]"
        raise DataError(f"{role}: {problem}")
    if array.ndim == 0:
        raise ShapeError("wanted rows on the first axis, found a single number", role)
    return array


def _refuse_unfit(given: Any, role: str) -> None:
    """Refuse lists, text, and arrays with masked values, which would count."""
    if isinstance(given, (list, tuple)):
        refuse_list(given, (), role)
    if isinstance(given, str):
        problem = f"{role}: wanted an array, found the text {shown(given)}"
        raise DataError(f"{problem}; if it is the name of a file, open that first: np.load(...)")
    masked = np.ma.getmaskarray(given).sum() if isinstance(given, np.ma.MaskedArray) else 0
    if masked:
        raise DataError(
            f"{role}: wanted a value everywhere, found {masked} that are masked; fill them, "
            "x.filled(0), or leave their rows out"
        )


def check_input(array: Array, spec: InputSpec, role: str) -> None:
    """Refuse an array whose rows do not fit an input: shape, and whole numbers where it wants them."""
    shape = array.shape[1:]
    fits = shape == spec.shape or (
        len(shape) == len(spec.shape)
        and all(wanted in (None, found) for wanted, found in zip(spec.shape, shape, strict=True))
    )
    if not fits:
        wanted = ", ".join(["rows", *("any" if n is None else str(n) for n in spec.shape)])
        hint = ""
        if array.shape == spec.shape:
            hint = "; put the one row into an array of rows: x[None]"
        elif _can_be_reshaped(shape, spec.shape):
            hint = f"; a row has as many numbers: x.reshape{(-1, *spec.shape)}"
        raise ShapeError(f"wanted shape ({wanted}), found {array.shape}{hint}", role)
    if 0 in shape:
        raise ShapeError(f"wanted lengths from 1, found {array.shape}", role)
    if array.dtype == spec.dtype:
        return
    if not np.can_cast(array.dtype, spec.dtype, "same_kind"):
        raise DataError(
            f"{role}: the input '{spec.name}' wants dtype {spec.dtype}, found {array.dtype}"
        )
    if array.dtype.kind in "iu" and not np.can_cast(array.dtype, spec.dtype):
        _refuse_wrapping(array, spec, role)


def _can_be_reshaped(shape: Shape, wanted: Shape) -> bool:
    """Tell whether rows are the wanted ones laid out flat, or but for axes of length 1."""
    if None in wanted:
        return False
    flat = (prod(n or 1 for n in wanted),)
    return shape == flat or [n for n in shape if n != 1] == [n for n in wanted if n != 1]


def _refuse_wrapping(array: Array, spec: InputSpec, role: str) -> None:
    """Refuse whole numbers that the input's narrower dtype cannot hold."""
    if np.dtype(spec.dtype).kind == "f":
        return
    held = np.iinfo(spec.dtype)
    if array.size and (array.min() < held.min or array.max() > held.max):
        place = tuple(np.argwhere((array < held.min) | (array > held.max))[0])
        row = int(place[0])
        raise DataError(
            f"{role}: {array[place]} in row {row} does not fit the input's dtype {spec.dtype}", row
        )


def converted(array: Array, spec: InputSpec) -> Array:
    """Return an array in its input's dtype; one that has it already as a read-only view.

    A layer that wrote into its input would change what the caller passed.
    """
    return frozen_view(array if array.dtype == spec.dtype else np.asarray(array, spec.dtype))


def row_count(arrays: Mapping[str, Array], role: str) -> int:
    """Return how many rows the arrays have; they must agree, and there must be one."""
    rows = len(next(iter(arrays.values())))
    if len(arrays) > 1 and any(len(array) != rows for array in arrays.values()):
        counts = {name: len(array) for name, array in arrays.items()}
        raise ShapeError(f"wanted the same number of rows everywhere, found {counts}", role)
    if rows == 0:
        raise DataError(f"{role}: wanted at least one row, found none")
    return rows


def network_inputs(specs: Mapping[str, InputSpec], x: Any) -> dict[str, Array]:
    """Return the arrays for the inputs of a network, checked and converted."""
    arrays = by_name(x, list(specs), "x")
    for name, array in arrays.items():
        spec = specs[name]
        check_input(array, spec, "x" if len(specs) == 1 else f"x['{name}']")
        arrays[name] = converted(array, spec)
    row_count(arrays, "x")
    return arrays


def one_or_all(arrays: dict[str, Array]) -> Array | dict[str, Array]:
    """Return the only array by itself, several as they are, by name."""
    if len(arrays) > 1:
        return arrays
    (array,) = arrays.values()
    return array


def float_name(dtype: DTypeLike) -> str:
    """Return "float32" or "float64" for whatever NumPy takes as one of them."""
    try:
        name = "" if dtype is None else np.dtype(dtype).name
    except TypeError:
        name = ""
    if name not in ("float32", "float64"):
        raise ConfigError("dtype", f"wanted 'float32' or 'float64', found {shown(dtype)}")
    return name


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither true nor false: a text such as "no" would count as true."""
    if not isinstance(value, bool | np.bool_):
        raise ConfigError(name, f"wanted true or false, found {shown(value)}")


def check_count(name: str, value: object) -> None:
    """Refuse what is no whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ConfigError(name, f"wanted a whole number from 1, found {shown(value)}")

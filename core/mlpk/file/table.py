"""The tensor table: the part of the header that says what each tensor is and where it lies."""

from __future__ import annotations

import re
from math import prod
from typing import Any, Final

from mlpk.errors import ConfigError, shown
from mlpk.file.blocks import digests_size
from mlpk.file.layout import CHUNK, COUNT_SIZE, DTYPES, FRAME_SIZE, Limits, extent
from mlpk_schemas.file import TensorEntry
from mlpk_schemas.model import NAME
from mlpk_schemas.records import build

__all__ = ["checked_table"]

TENSOR_NAME: Final = re.compile(
    rf"{NAME}/{NAME}|slot:{NAME}/{NAME}/{NAME}|state:{NAME}/{NAME}", re.ASCII
)
_KEYS: Final = ("at", "dtype", "nbytes", "sha256", "shape")
_TYPES: Final = (int, str, int, bytes, list)


def checked_table(table: Any, limits: Limits, chunk: int = CHUNK) -> dict[str, TensorEntry]:
    """Return the entries of a table whose names are in order, or raise `ConfigError`."""
    if not isinstance(table, dict):
        raise ConfigError("tensors", f"wanted a mapping of names, found {shown(table)}")
    if len(table) > limits.tensors:
        problem = f"wanted at most {limits.tensors} tensors, found {len(table)}"
        raise ConfigError("tensors", problem)
    entries = {}
    position = COUNT_SIZE
    for name, fields in table.items():
        if TENSOR_NAME.fullmatch(name) is None or len(name) > limits.name:
            raise ConfigError(
                "tensors",
                f"wanted names 'node/array', 'slot:node/array/name' or 'state:callback/key' of at "
                f"most {limits.name} bytes, found {shown(name)}",
            )
        entry = entries[name] = _entry(fields, name)
        _check_sizes(entry, name, limits)
        at = position + FRAME_SIZE if entry.nbytes else 0
        if entry.at != at:
            problem = f"wanted {at}, where the tensors before it end, found {entry.at}"
            raise ConfigError(f"tensors.{name}.at", problem)
        position += extent(entry.nbytes, chunk)
    return entries


def _entry(fields: Any, name: str) -> TensorEntry:
    """Return one entry, as `build` does.

    Tables are long, and `build` takes more time than reading a small tensor does; so an entry
    that is plainly well-formed is put together at once, and only the others go through `build`,
    which knows what to say about them.
    """
    if (
        type(fields) is dict
        and tuple(fields) == _KEYS
        and tuple(map(type, fields.values())) == _TYPES
        and fields["dtype"] in DTYPES
        and min(fields["at"], fields["nbytes"]) >= 0
        and set(map(type, fields["shape"])) <= {int}
    ):
        entry = object.__new__(TensorEntry)
        vars(entry).update(fields, shape=tuple(fields["shape"]))
        return entry
    return build(TensorEntry, fields, f"tensors.{name}", strict=True)


def _check_sizes(entry: TensorEntry, name: str, limits: Limits) -> None:
    if len(entry.shape) > limits.rank:
        problem = f"wanted at most {limits.rank} dimensions, found {len(entry.shape)}"
        raise ConfigError(f"tensors.{name}.shape", problem)
    for length in entry.shape:
        if not 0 <= length < limits.dimension:
            problem = f"wanted 0 <= length < {limits.dimension}, found {length}"
            raise ConfigError(f"tensors.{name}.shape", problem)
    itemsize = DTYPES[entry.dtype].itemsize
    nbytes = prod(entry.shape) * itemsize
    # A tensor without items may still have lengths whose product overflows where arrays are made.
    most = nbytes or prod(length for length in entry.shape if length) * itemsize
    if most >= limits.nbytes:
        problem = f"wanted a tensor of less than {limits.nbytes} bytes, found {entry.shape}"
        raise ConfigError(f"tensors.{name}.shape", problem)
    if entry.nbytes != nbytes:
        problem = f"wanted {nbytes}, the size of its shape and dtype, found {entry.nbytes}"
        raise ConfigError(f"tensors.{name}.nbytes", problem)
    if len(entry.sha256) != digests_size(nbytes):
        problem = f"wanted {digests_size(nbytes)} bytes of digests, found {len(entry.sha256)}"
        raise ConfigError(f"tensors.{name}.sha256", problem)

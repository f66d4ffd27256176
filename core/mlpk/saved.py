"""Models from files and bytes, and what can be seen of them without any plugin."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Literal

from mlpk.errors import ConfigError, shown
from mlpk.file import model_file
from mlpk.file.source import path_text
from mlpk.model import Model
from mlpk.streams import checked_seed
from mlpk_schemas.file import Header

if TYPE_CHECKING:
    from mlpk.arrays import Array

__all__ = ["dumps", "inspect", "load", "load_arrays", "loads"]


def load(
    path: str | PathLike[str],
    *,
    expect: str | None = None,
    missing: Literal["error", "opaque"] = "error",
    verify: Literal["full", "header"] = "full",
    mmap: bool = False,
    seed: int | None = None,
) -> Model:
    """Return the model of a .mlpk file, every byte of it verified; for bytes there is `loads`.

    `expect="sha256:..."` accepts only the file of that digest. `missing="opaque"` turns layers
    whose kinds are not active, or too old, into inert nodes, and keeps the state of a training
    run until somebody trains. `verify="header"` skips hashing the arrays, for
    huge files; `mmap` maps them read-only instead of copying. `seed` is for training further.
    """
    return _model(path_text(path), expect, missing, verify, seed, mmap=mmap)


def loads(
    data: bytes,
    *,
    expect: str | None = None,
    missing: Literal["error", "opaque"] = "error",
    seed: int | None = None,
) -> Model:
    """Return the model of bytes that `dumps` made, with the same checks as `load`."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ConfigError("data", f"wanted the bytes that dumps made, found {shown(data)}")
    return _model(bytes(data), expect, missing, "full", seed, mmap=False)


def dumps(model: Model) -> bytes:
    """Return the bytes that `model.save` would write."""
    return model_file.dump(model, warn=True)


def inspect(path: str | PathLike[str]) -> Header:
    """Return the verified header of a file: spec, tensors, claims. Needs no plugin, reads no array."""
    return model_file.header(path)


def load_arrays(path: str | PathLike[str]) -> dict[str, Array]:
    """Return every array of a file by name, verified. Needs no plugin."""
    return model_file.arrays(path)


def _model(
    given: str | bytes,
    expect: str | None,
    missing: Literal["error", "opaque"],
    verify: Literal["full", "header"],
    seed: int | None,
    *,
    mmap: bool,
) -> Model:
    opened = model_file.read(given, expect=expect, missing=missing, verify=verify, mmap=mmap)
    return Model.opened(opened, checked_seed(seed))

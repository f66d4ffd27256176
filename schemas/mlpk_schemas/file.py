"""What the header of a .mlpk file holds; its bytes are described in docs/file-format.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field
from attrs.validators import ge

from mlpk_schemas.model import ModelSpec
from mlpk_schemas.records import record

__all__ = [
    "FitState",
    "Header",
    "KindSpec",
    "OptimizerState",
    "PluginClaim",
    "TensorEntry",
    "TensorType",
    "TrainState",
]

TensorType = Literal[
    "bool", "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f16", "f32", "f64", "c64", "c128"
]


@record
class TensorEntry:
    """Where one tensor lies and what it must be; `sha256` joins the digests of 16 MiB blocks."""

    at: int = field(validator=ge(0))
    dtype: TensorType
    nbytes: int = field(validator=ge(0))
    shape: tuple[int, ...]
    sha256: bytes


@record
class PluginClaim:
    """What the file says of a third-party distribution that it needs: a claim, not a fact."""

    dist: str
    version: str
    ids: tuple[str, ...]


@record
class KindSpec:
    """A kind with its configuration, written down."""

    id: str
    schema: int = field(validator=ge(1))
    config: Mapping[str, Any]


@record
class OptimizerState:
    """An optimizer, how many updates it has made, and which slots it keeps an array for."""

    id: str
    schema: int = field(validator=ge(1))
    config: Mapping[str, Any]
    step: int = field(validator=ge(0))
    slots: tuple[str, ...]


@record
class FitState:
    """Where a training run stands. Arrays of it are tensors named `state:...`.

    `epoch` counts finished epochs, `batch` the batches already seen of the one under way, `step`
    all batches so far. `callbacks` and `running` hold plain data with arrays taken out.
    """

    epoch: int = field(validator=ge(0))
    batch: int = field(validator=ge(0))
    step: int = field(validator=ge(0))
    batch_size: int | None
    rows: int | None
    options: Mapping[str, Any]
    lr_factor: float
    stopped: bool
    callbacks: Mapping[str, Any]
    running: Mapping[str, Any]
    history: tuple[str, ...]


@record
class TrainState:
    """Everything beside the arrays that training needs to go on."""

    optimizer: OptimizerState
    loss: Mapping[str, KindSpec]
    seed: int
    implementation: str
    fit: FitState


@record
class Header:
    """The header of a .mlpk file."""

    critical: tuple[str, ...]
    ext: Mapping[str, Any]
    generator: str
    meta: Mapping[str, str]
    pad: bytes
    plugins: tuple[PluginClaim, ...]
    spec: ModelSpec
    state: TrainState | None
    tensors: Mapping[str, TensorEntry]

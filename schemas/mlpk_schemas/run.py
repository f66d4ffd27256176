"""What a configuration asks for: the data, the network and the training, as a TOML file holds them.

Where a kind is wanted, text is its registered name, and a mapping its name under "kind" beside
its fields. In TOML the arguments of a dataset stand beside its name, and the fields of a node
beside its kind; `read` gathers them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeVar

import attrs
from attrs import field
from attrs.validators import ge, matches_re

from mlpk_schemas.errors import ConfigError, nearest, shown
from mlpk_schemas.model import NAME, FloatName, TypeName
from mlpk_schemas.records import build, record

__all__ = [
    "ArraysConfig",
    "DataConfig",
    "DatasetConfig",
    "FitConfig",
    "GraphConfig",
    "InputConfig",
    "KindConfig",
    "LayersConfig",
    "ModelConfig",
    "NodeConfig",
    "RunConfig",
    "read",
]

T = TypeVar("T")
KindConfig: TypeAlias = str | Mapping[str, Any]
# One file, or one for each input or output by its name.
Files: TypeAlias = str | Mapping[str, str]
# Without the batch axis; "any" is a length that is not known, for which TOML has no null.
Lengths: TypeAlias = tuple[int | Literal["any"], ...]


def _from_one(_: object, __: attrs.Attribute[Any], lengths: Lengths) -> None:
    for length in lengths:
        if length != "any" and length < 1:
            raise ValueError(f"wanted lengths from 1, or 'any', found {length}")


def _not_empty(_: object, __: attrs.Attribute[Any], items: tuple[Any, ...]) -> None:
    if not items:
        raise ValueError("wanted at least one, found none")


@record
class DatasetConfig:
    """A registered dataset, and the arguments of its function."""

    name: str
    arguments: Mapping[str, Any] = field(factory=dict)


@record
class ArraysConfig:
    """Arrays in .npy files, their paths seen from the configuration's folder.

    `weight` (N,) weighs the rows of `x`. `x_validation` and `y_validation` are the test part.
    """

    x: Files
    y: Files
    weight: str | None = None
    x_validation: Files | None = None
    y_validation: Files | None = None

    def __attrs_post_init__(self) -> None:
        for here, other in (("x", "y"), ("y", "x")):
            if getattr(self, f"{here}_validation") is None and getattr(self, f"{other}_validation"):
                problem = f"is missing, but {other}_validation is there; give both or neither"
                raise ConfigError(f"ArraysConfig.{here}_validation", problem)


DataConfig: TypeAlias = DatasetConfig | ArraysConfig


@record
class LayersConfig:
    """Layers that feed each other, behind one input; a mapping may also `name` its node."""

    input_shape: Lengths = field(validator=_from_one)
    layers: tuple[KindConfig, ...] = field(validator=_not_empty)
    input_dtype: TypeName | None = None
    dtype: FloatName = "float32"


@record
class InputConfig:
    """An input of a graph; its dtype is the network's unless given."""

    name: str = field(validator=matches_re(NAME))
    shape: Lengths = field(validator=_from_one)
    dtype: TypeName | None = None


@record
class NodeConfig:
    """A node of a graph: a kind with its fields, and the names of what feeds it."""

    name: str = field(validator=matches_re(NAME))
    kind: str
    inputs: tuple[str, ...] = field(validator=_not_empty)
    fields: Mapping[str, Any] = field(factory=dict)


@record
class GraphConfig:
    """Nodes, in any order. No `outputs` means the one node that feeds no other.

    In a file `input_shape` may stand for a single input, which is then called "input".
    """

    inputs: tuple[InputConfig, ...] = field(validator=_not_empty)
    nodes: tuple[NodeConfig, ...] = field(validator=_not_empty)
    outputs: tuple[str, ...] = ()
    dtype: FloatName = "float32"


ModelConfig: TypeAlias = LayersConfig | GraphConfig


@record
class FitConfig:
    """The arguments of `Model.fit`, by the same names.

    `loss` and `metrics` may be mappings by output; a single metric needs no list. `validation`
    evaluates on the data's test part after each epoch.
    """

    loss: KindConfig
    optimizer: KindConfig
    epochs: int = field(default=1, validator=ge(1))
    batch_size: int = field(default=32, validator=ge(1))
    metrics: KindConfig | tuple[KindConfig, ...] = ()
    validation: bool = False
    shuffle: bool = True
    drop_last: bool = False
    regularizer: KindConfig | None = None
    accumulate: int = field(default=1, validator=ge(1))
    frozen: tuple[str, ...] = ()
    lr_factors: Mapping[str, float] = field(factory=dict)
    callbacks: tuple[KindConfig, ...] = ()


@record
class RunConfig:
    """A whole configuration. `seed` fixes the first values, dropout and the order of the rows."""

    seed: int = field(default=0, validator=ge(0))
    data: DataConfig
    model: ModelConfig
    fit: FitConfig


def read(tree: Mapping[str, Any]) -> RunConfig:
    """Return the configuration that is written in a tree of tables.

    Raises `ConfigError` with the path of the first key that is unknown, missing or wrong.
    """
    parts = dict(tree)
    for name in ("data", "model", "fit"):
        if name in parts and not isinstance(parts[name], Mapping):
            raise ConfigError(name, f"wanted a table, found {shown(parts[name])}")
    if "data" in parts:
        parts["data"] = _data(parts["data"])
    if "model" in parts:
        parts["model"] = _model(parts["model"])
    return build(RunConfig, parts, "", strict=False)


def _data(table: Mapping[str, Any]) -> DataConfig:
    if "name" in table:
        return _gathered(DatasetConfig, table, "data", "arguments")
    if "x" in table:
        return build(ArraysConfig, table, "data", strict=False)
    hints = (nearest(key, ("name", "x", "y")) for key in table)
    raise ConfigError(
        "data",
        'wanted name = "...", a registered dataset, or x = "..." and y = "...", files of arrays; '
        f"found {', '.join(table) or 'neither'}.{next(filter(None, hints), '')}",
    )


def _model(table: Mapping[str, Any]) -> ModelConfig:
    if "layers" in table or not table.keys() & {"inputs", "nodes"}:
        return build(LayersConfig, table, "model", strict=False)
    parts = dict(table)
    if "input_shape" in parts and "inputs" not in parts:
        only = {"name": "input", "shape": parts.pop("input_shape")}
        parts["inputs"] = [{**only, "dtype": parts.pop("input_dtype", None)}]
    if isinstance(nodes := parts.get("nodes"), list | tuple):
        parts["nodes"] = [
            _gathered(NodeConfig, node, f"model.nodes[{place}]", "fields")
            for place, node in enumerate(nodes)
        ]
    return build(GraphConfig, parts, "model", strict=False)


def _gathered(cls: type[T], table: object, where: str, rest: str) -> T:
    """Return a record of a table's keys, those that are no fields of it gathered in field `rest`."""
    if not isinstance(table, Mapping):
        raise ConfigError(where, f"wanted a table, found {shown(table)}")
    own = attrs.fields_dict(cls).keys() - {rest}  # type: ignore[arg-type] # a record is one of attrs
    parts = {key: value for key, value in table.items() if key in own}
    parts[rest] = {key: value for key, value in table.items() if key not in own}
    for key in parts[rest]:
        if hint := nearest(key, own - table.keys()):
            raise ConfigError(f"{where}.{key}", f"there is no such field.{hint}")
    try:
        return build(cls, parts, where, strict=False)
    except ConfigError as error:
        inside = f"{where}.{rest}."
        raise (
            error.moved(inside, f"{where}.") if error.where.startswith(inside) else error
        ) from None

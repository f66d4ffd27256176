from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlpk_schemas.errors import ConfigError
from mlpk_schemas.model import NAME, InputSpec, ModelSpec, NodeSpec
from mlpk_schemas.records import build, plain

NAMES = st.from_regex(NAME, fullmatch=True).filter(lambda name: len(name) < 20)
CONFIGS = st.dictionaries(
    st.text(max_size=4),
    st.none() | st.booleans() | st.integers(-9, 9) | st.just([1, "a", {"id": "zeros"}]),
    max_size=3,
)
INPUTS = st.builds(
    InputSpec,
    name=NAMES,
    shape=st.lists(st.none() | st.integers(1, 9), max_size=3).map(tuple),
    dtype=st.sampled_from(["float32", "int64", "bool"]),
)
NODES = st.builds(
    NodeSpec,
    name=NAMES,
    id=st.sampled_from(["dense", "acme:gate"]),
    schema=st.integers(1, 3),
    config=CONFIGS,
    inputs=st.lists(NAMES, max_size=2).map(tuple),
    params=st.dictionaries(NAMES, st.just("a/b"), max_size=2),
    buffers=st.dictionaries(NAMES, st.just("a/c"), max_size=2),
)
MODELS = st.builds(
    ModelSpec,
    dtype=st.sampled_from(["float32", "float64"]),
    inputs=st.lists(INPUTS, max_size=2).map(tuple),
    nodes=st.lists(NODES, max_size=3).map(tuple),
    outputs=st.lists(NAMES, max_size=2).map(tuple),
)

SPEC: dict[str, Any] = {
    "dtype": "float32",
    "inputs": [{"name": "input", "shape": [None, 3], "dtype": "float32"}],
    "nodes": [
        {
            "name": "dense",
            "id": "dense",
            "schema": 1,
            "config": {"units": 2},
            "inputs": ["input"],
            "params": {"weight": "dense/weight"},
            "buffers": {},
        }
    ],
    "outputs": ["dense"],
}


def spec(place: str, value: Any) -> dict[str, Any]:
    """Return the spec with one value replaced, its place written like "nodes.0.name"."""
    changed: Any = plain(SPEC)
    *path, last = [int(key) if key.isdigit() else key for key in place.split(".")]
    inner = changed
    for key in path:
        inner = inner[key]
    inner[last] = value
    return dict(changed)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MODELS)
def test_what_is_written_down_is_read_back(model: ModelSpec) -> None:
    assert build(ModelSpec, plain(model), "spec", strict=True) == model


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("dtype", "float16"),
        ("dtype", None),
        ("inputs.0.name", ""),
        ("inputs.0.name", "a/b"),
        ("inputs.0.name", "a\n"),
        ("inputs.0.name", "1a"),
        ("inputs.0.name", "é"),
        ("inputs.0.shape", [0]),
        ("inputs.0.shape", [-3]),
        ("inputs.0.shape", [True]),
        ("inputs.0.shape", [2.0]),
        ("inputs.0.shape", 3),
        ("inputs.0.dtype", "float16"),
        ("inputs.0.dtype", "<f4"),
        ("nodes.0.name", "dense/weight"),
        ("nodes.0.id", None),
        ("nodes.0.schema", 0),
        ("nodes.0.schema", True),
        ("nodes.0.config", None),
        ("nodes.0.config", {"id": "a", "schema": 1, "config": {}}),
        ("nodes.0.config", {"units": b"2"}),
        ("nodes.0.inputs", "input"),
        ("nodes.0.params", {"a/b": "dense/weight"}),
        ("nodes.0.params", {"weight": 3}),
        ("nodes.0.buffers", []),
        ("outputs", ["a b"]),
    ],
)
def test_what_no_network_could_be_is_refused_with_its_path(place: str, value: Any) -> None:
    where = "".join(f"[{key}]" if key.isdigit() else f".{key}" for key in place.split("."))
    with pytest.raises(ConfigError) as caught:
        build(ModelSpec, spec(place, value), "spec", strict=True)
    assert caught.value.where.startswith(f"spec{where}")


def test_names_may_hold_letters_digits_and_three_signs() -> None:
    for name in ("a", "_", "A1", "block.2-x_y"):
        assert build(ModelSpec, spec("inputs.0.name", name), "", strict=True).inputs[0].name == name

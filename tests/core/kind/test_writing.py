"""Kinds are written down with all of their fields, and read back as they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import pytest
from attrs import field
from attrs.validators import ge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mlpk
from mlpk import (
    ConfigError,
    Initializer,
    Layer,
    MissingPluginError,
    Schedule,
    UnknownKindError,
    define,
)
from mlpk.kind import inner, written
from mlpk.migration import Migration
from mlpk.regularizer import Regularizer
from mlpk_schemas.records import values


@define
class Rich(Regularizer):
    """One field of every sort."""

    kind: ClassVar[str] = "rich"
    schema: ClassVar[int] = 3
    migrations: ClassVar[Mapping[int, Migration]] = {1: lambda old: old, 2: lambda old: old}

    none: None = None
    flag: bool = True
    count: int = field(default=2, validator=ge(1))
    rate: float = 0.5
    word: str = "a"
    mode: Literal["same", "valid"] = "same"
    sizes: tuple[int, ...] = (1, 2)
    pair: int | tuple[int, int] = 3
    names: Mapping[str, float] = field(factory=dict)
    init: Initializer | str = "zeros"
    inits: tuple[Initializer, ...] = ()
    by_name: Mapping[str, Initializer] = field(factory=dict)
    lr: Schedule | float = 0.1
    wrapped: Layer | None = None

    def penalty(self, param: Any) -> float:
        return 0.0

    def add_gradient(self, param: Any, grad: Any) -> None:
        pass


@pytest.fixture
def rich(own_catalog: None) -> Any:
    """Return `Rich`, registered."""
    del own_catalog
    mlpk.plugins.add(Rich)
    return Rich


RICH = st.builds(
    Rich,
    flag=st.booleans(),
    count=st.integers(1, 2**64 - 1),
    rate=st.floats(allow_nan=False, allow_infinity=False),
    word=st.text(max_size=5),
    mode=st.sampled_from(["same", "valid"]),
    sizes=st.lists(st.integers(-5, 5), max_size=3),
    pair=st.integers().filter(lambda n: -(2**63) <= n < 2**64)
    | st.tuples(st.integers(0, 5), st.integers(0, 5)),
    names=st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=2),
    init=st.sampled_from(["zeros", "he_normal", {"kind": "normal", "std": 2}]),
    inits=st.lists(st.sampled_from(["ones", {"kind": "constant", "value": 0.1}]), max_size=2),
    by_name=st.dictionaries(st.text(max_size=3), st.just("orthogonal"), max_size=2),
    lr=st.floats(0, 1) | st.just({"kind": "constant", "lr": 0.1}),
    wrapped=st.none() | st.sampled_from(["relu", {"kind": "dense", "units": 2}]),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RICH)
def test_every_field_is_written_down_and_read_back(instance: Rich) -> None:
    held = mlpk.catalog.current()
    mlpk.plugins.add(Rich)
    try:
        plain = written(instance)
        assert plain["id"] == "_local:rich"
        assert plain["schema"] == 3
        assert list(plain["config"]) == list(values(instance))
        assert Regularizer.read(plain, "x") == instance
    finally:
        mlpk.catalog.swap(lambda _: held)


def test_what_is_written_is_plain_data_with_defaults_in_it() -> None:
    assert written(mlpk.layers.dense(units=2)) == {
        "id": "dense",
        "schema": 1,
        "config": {
            "units": 2,
            "bias": True,
            "init": {"id": "glorot_uniform", "schema": 1, "config": {}},
        },
    }


def test_kinds_inside_kinds_are_written_too(rich: Any) -> None:
    config = written(
        rich(inits=["zeros"], by_name={"a": "ones"}, wrapped={"kind": "dropout", "rate": 0.5})
    )["config"]
    zeros = {"id": "zeros", "schema": 1, "config": {}}
    assert config["inits"] == [zeros]
    assert config["by_name"] == {"a": {"id": "ones", "schema": 1, "config": {}}}
    assert config["wrapped"] == {"id": "dropout", "schema": 1, "config": {"rate": 0.5}}
    assert [kind["id"] for kind in inner(config)] == ["zeros", "zeros", "ones", "dropout"]


def test_inner_kinds_are_found_inside_inner_kinds() -> None:
    dense = written(mlpk.layers.dense(units=1))
    found = list(inner({"layer": [dense], "x": {"id": 1}}))
    assert found == [dense, {"id": "glorot_uniform", "schema": 1, "config": {}}]


@pytest.mark.usefixtures("rich")
@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("count", 2.0, "x.config.count"),
        ("rate", 1, "x.config.rate"),
        ("sizes", (1, 2), "x.config.sizes"),
        ("init", "zeros", "x.config.init"),
        ("init", {"kind": "zeros"}, "x.config.init"),
        ("init", {"id": "zeros", "schema": 1}, "x.config.init"),
        ("init", {"id": "zeros", "schema": True, "config": {}}, "x.config.init"),
        ("init", {"id": "zeros", "schema": 1, "config": {"a": 1}}, "x.config.init.config.a"),
        ("init", {"id": "zeros", "schema": 1, "config": None}, "x.config.init.config"),
        ("inits", ["zeros"], "x.config.inits[0]"),
        ("unknown", 1, "x.config.unknown"),
    ],
)
def test_from_a_file_nothing_is_converted(name: str, value: Any, where: str) -> None:
    plain = written(Rich())
    plain["config"][name] = value
    with pytest.raises(ConfigError) as caught:
        Regularizer.read(plain, "x")
    assert caught.value.where == where


def test_a_schema_that_is_newer_or_none_is_refused() -> None:
    with pytest.raises(MissingPluginError, match="'relu' has schema 2 there and 1 in mlpk"):
        Layer.read({"id": "relu", "schema": 2, "config": {}}, "x")
    with pytest.raises(ConfigError, match="relu: wanted a schema from 1, found 0"):
        Layer.read({"id": "relu", "schema": 0, "config": {}}, "x")


def test_a_file_names_only_ids_and_only_of_the_family() -> None:
    for name in ("dens", "sgd", "mlpk:dense"):
        with pytest.raises(UnknownKindError, match="that are active here"):
            Layer.read({"id": name, "schema": 1, "config": {}}, "x")

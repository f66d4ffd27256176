from __future__ import annotations

import copy
import pickle
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import attrs
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
from mlpk.kind import Kind, inner, written
from mlpk.migration import Migration
from mlpk.regularizer import Regularizer
from mlpk_schemas.records import build, values


class Penalty(Regularizer):
    """A regularizer with all of its methods, for classes that are about their fields."""

    def penalty(self, param: Any) -> float:
        return 0.0

    def add_gradient(self, param: Any, grad: Any) -> None:
        pass


@define
class Rich(Penalty):
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


@pytest.fixture
def rich(own_catalog: None) -> Any:
    """Return `Rich`, registered."""
    del own_catalog
    mlpk.plugins.add(Rich)
    return Rich


def defined(**namespace: Any) -> Any:
    """Return what `define` makes of a regularizer with these annotations and values."""
    annotations = {"kind": ClassVar[str], **namespace.pop("annotations", {})}
    return define(
        type("Thing", (Penalty,), {"kind": "thing", "__annotations__": annotations, **namespace})
    )


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


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "dense", "units": 3},
        {"units": 3, "kind": "dense"},
        {"kind": "dense", "units": 3, "init": "glorot_uniform"},
        {"kind": "dense", "units": 3, "init": {"kind": "glorot_uniform"}},
    ],
)
def test_an_instance_a_name_and_a_mapping_mean_the_same(value: Any) -> None:
    dense = mlpk.layers.dense(units=3)
    assert Layer.of(value) == dense == Layer.of(dense)
    assert Layer.of(dense) is dense
    assert Layer.of("relu") == mlpk.layers.relu() == Layer.of({"kind": "relu"})


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("dense", "layers: 'dense' wants units: write mlpk.layers.dense(units=...) or"),
        (
            {"kind": "dense", "unit": 3},
            "layers.unit: there is no such field; the fields are: units",
        ),
        ({"kind": "dense", "units": "3"}, "layers.units: wanted an integer, found '3' (str)"),
        ({"kind": "dense", "units": 0}, "layers.units: must be >= 1: 0"),
        ({"kind": 3}, "layers: wanted one of the layers: an instance, a name or"),
        ({"units": 3}, "layers: wanted one of the layers: an instance, a name or"),
        (3, "layers: wanted one of the layers: an instance, a name or"),
        (None, "layers: wanted one of the layers: an instance, a name or"),
    ],
)
def test_what_is_none_of_these_is_told_what_was_wanted(value: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Layer.of(value)
    assert str(caught.value).startswith(sentence)


def test_an_instance_of_another_family_is_refused() -> None:
    with pytest.raises(ConfigError, match="wanted one of the layers"):
        Layer.of(mlpk.optimizers.sgd())


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownKindError, match="Did you mean 'dense'") as caught:
        Layer.of("dens")
    assert (caught.value.family, caught.value.name) == ("layers", "dens")


def test_a_near_name_is_enough() -> None:
    with pytest.raises(UnknownKindError) as caught:
        mlpk.layers["dnese"]
    assert str(caught.value) == "there is no 'dnese' among the layers. Did you mean 'dense'?"
    with pytest.raises(UnknownKindError, match=r"layers\. Known are: add, "):
        mlpk.layers["qqqq"]


def test_a_name_alone_is_told_the_fields_that_it_lacks() -> None:
    wanted = (
        "adam.lr: 'cosine' wants lr and steps: write mlpk.schedules.cosine(lr=..., steps=...) or "
        '{"kind": "cosine", "lr": ..., "steps": ...}'
    )
    for value in ("cosine", {"kind": "cosine"}):
        with pytest.raises(ConfigError) as caught:
            mlpk.optimizers.adam(lr=value)
        assert str(caught.value) == wanted
    with pytest.raises(ConfigError, match=r"^adam.lr.steps: this field is missing$"):
        mlpk.optimizers.adam(lr={"kind": "cosine", "lr": 0.1})


def test_text_is_no_number() -> None:
    wanted = (
        r"^adam.lr: wanted a number, found the text '1e-3' \(str\); write it without quotes: 0.001"
    )
    with pytest.raises(ConfigError, match=wanted):
        mlpk.optimizers.adam(lr="1e-3")
    with pytest.raises(ConfigError, match=r"^adam.lr: .* Did you mean 'cosine'\?$"):
        mlpk.optimizers.adam(lr="cosnie")


def test_a_class_in_a_field_wants_to_be_called() -> None:
    wanted = r"^bidirectional.layer: wanted .*, found the class LSTM; call it .*: lstm\(\.\.\.\)$"
    with pytest.raises(ConfigError, match=wanted):
        mlpk.layers.bidirectional(mlpk.layers.lstm)
    with pytest.raises(
        ConfigError, match=r"^adam.lr: .*found the class Cosine; call it .*cosine\("
    ):
        mlpk.optimizers.adam(lr=mlpk.schedules.cosine)


def test_an_unknown_name_in_a_field_is_an_error_of_that_field() -> None:
    with pytest.raises(ConfigError, match=r"^dense\.init: there is no 'zero'.*mean 'zeros'"):
        mlpk.layers.dense(units=1, init="zero")
    with pytest.raises(ConfigError, match=r"^dense\.init\.std: must be >= 0|^dense\.init\.std: "):
        mlpk.layers.dense(units=1, init={"kind": "normal", "std": -1})


def test_a_field_may_want_one_kind_of_a_family() -> None:
    dense: Any = mlpk.layers.dense
    thing = defined(annotations={"layer": dense})
    assert thing({"kind": "dense", "units": 1}).layer == dense(units=1)
    for other in ("relu", {"kind": "relu"}, mlpk.layers.relu()):
        with pytest.raises(ConfigError, match=r"thing\.layer: wanted "):
            thing(other)
    with pytest.raises(ConfigError, match=r"^layer: wanted a Dense, found a ReLU$"):
        build(thing, {"layer": written(mlpk.layers.relu())}, "", strict=True)


def test_an_instance_is_frozen_and_equal_by_its_fields() -> None:
    dense = mlpk.layers.dense(units=2)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        dense.units = 3
    assert dense == mlpk.layers.dense(units=2) != mlpk.layers.dense(units=3)
    assert repr(dense) == "Dense(units=2, bias=True, init=GlorotUniform())"
    assert copy.deepcopy(dense) == dense == pickle.loads(pickle.dumps(dense))
    assert attrs.evolve(dense, units=3) == mlpk.layers.dense(units=3)


@pytest.mark.parametrize(
    ("namespace", "sentence"),
    [
        ({"kind": None}, "Thing.kind: wanted a name in snake_case, found None"),
        ({"kind": "Thing"}, "Thing.kind: wanted a name in snake_case, found 'Thing' (str)"),
        ({"kind": "acme:thing"}, "Thing.kind: wanted a name in snake_case"),
        ({"kind": "thing\n"}, "Thing.kind: wanted a name in snake_case"),
        ({"schema": 0}, "Thing.schema: wanted an integer from 1, found 0 (int)"),
        ({"schema": True}, "Thing.schema: wanted an integer from 1, found True"),
        ({"annotations": {"kind": str}}, "Thing.kind: is no field"),
        ({"annotations": {"schema": int}, "schema": 2}, "Thing.schema: is no field"),
        ({"annotations": {"name": str}}, "Thing.name: is no field"),
        ({"annotations": {"act": Callable[..., Any]}}, "thing.act: a field may be"),
        ({"annotations": {"path": Path}}, "thing.path: a field may be"),
        ({"annotations": {"data": bytes}}, "thing.data: a field may be"),
        ({"annotations": {"any": Any}}, "thing.any: a field may be"),
        ({"annotations": {"other": Kind}}, "thing.other: a field may be"),
        ({"__init__": object.__init__}, "thing: wanted fields alone, found an __init__"),
        ({"penalty": abstractmethod(lambda: 0)}, "Thing: these methods are missing: penalty"),
    ],
)
def test_a_kind_is_checked_when_it_is_defined(namespace: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        defined(**namespace)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("annotation", "default", "sentence"),
    [
        (float, "a", "Thing.rate: this default does not fit: wanted a number, found "),
        (float, None, "Thing.rate: this default does not fit: wanted a number, found None"),
        (int, 0.5, "Thing.rate: this default does not fit: wanted an integer, found 0.5"),
        (str, 3, "wanted text, found 3"),
        (Literal["a", "b"], "c", "found 'c'"),
        (tuple[int, ...], (1, 0.5), r"Thing.rate\[1\]: this default does not fit"),
        (Schedule | float, True, "found True"),
    ],
)
def test_a_default_is_checked_when_the_class_is_defined(
    annotation: Any, default: Any, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        defined(annotations={"rate": annotation}, rate=default)
    with pytest.raises(ConfigError, match=sentence):
        defined(annotations={"rate": annotation}, rate=field(default=default))


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (Initializer | str, "of_a_plugin_that_is_still_to_come"),
        (tuple[Initializer, ...], ("still_to_come",)),
        (float, 1),
        (Mapping[str, float], attrs.Factory(dict)),
    ],
)
def test_a_default_may_name_what_comes_later(annotation: Any, default: Any) -> None:
    assert defined(annotations={"rate": annotation}, rate=default).kind == "thing"


@pytest.mark.parametrize("value", [0.5, "a", (1, 2), None])
def test_a_plain_value_without_annotation_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^Thing\.rate: it is no field, since it has no annot"):
        defined(rate=value)


def test_the_default_of_an_inherited_field_is_not_changed_unseen() -> None:
    class Rule(mlpk.Optimizer):
        kind = "rule"
        lr = 0.5

        def update(self, param: Any, grad: Any, slots: Any, step: Any) -> None:
            pass

    with pytest.raises(ConfigError, match=r"Rule\.lr: it is no field"):
        define(Rule)


def test_what_is_no_field_on_purpose_is_let_be() -> None:
    made = defined(
        annotations={"shared": ClassVar[int]},
        shared=3,
        LIMIT=4,
        _hidden=5,
        doubled=property(id),
        calls=[],
        schema=1,
    )
    assert attrs.fields(made) == ()


def test_the_name_is_a_kind_s_own() -> None:
    base = type("Thing", (Penalty,), {"kind": "thing"})
    with pytest.raises(ConfigError, match=r"Other\.kind: wanted a name"):
        define(type("Other", (base,), {}))


def test_only_kinds_are_defined() -> None:
    with pytest.raises(ConfigError, match="derive from Layer, Optimizer, Loss"):
        define(type("Thing", (), {"kind": "thing"}))


def test_the_first_example_is_the_default_one() -> None:
    examples: Iterator[Any] = defined().examples()
    assert [type(example.instance).__name__ for example in examples] == ["Thing"]

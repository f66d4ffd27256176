"""A class becomes a kind, and is checked when it does."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import attrs
import pytest
from attrs import field

import mlpk
from mlpk import ConfigError, Initializer, Schedule, define
from mlpk.kind import Kind, written
from mlpk.regularizer import Regularizer
from mlpk_schemas.records import build


class Penalty(Regularizer):
    """A regularizer with all of its methods, for classes that are about their fields."""

    def penalty(self, param: Any) -> float:
        return 0.0

    def add_gradient(self, param: Any, grad: Any) -> None:
        pass


def defined(**namespace: Any) -> Any:
    """Return what `define` makes of a regularizer with these annotations and values."""
    annotations = {"kind": ClassVar[str], **namespace.pop("annotations", {})}
    return define(
        type("Thing", (Penalty,), {"kind": "thing", "__annotations__": annotations, **namespace})
    )


def test_a_field_may_want_one_kind_of_a_family() -> None:
    dense: Any = mlpk.layers.dense
    thing = defined(annotations={"layer": dense})
    assert thing({"kind": "dense", "units": 1}).layer == dense(units=1)
    for other in ("relu", {"kind": "relu"}, mlpk.layers.relu()):
        with pytest.raises(ConfigError, match=r"thing\.layer: wanted "):
            thing(other)
    with pytest.raises(ConfigError, match=r"^layer: wanted a Dense, found a ReLU$"):
        build(thing, {"layer": written(mlpk.layers.relu())}, "", strict=True)


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

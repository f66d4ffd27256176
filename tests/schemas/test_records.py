from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from attrs import field
from attrs.validators import and_, ge, lt, matches_re, optional

from mlpk_schemas.errors import ConfigError
from mlpk_schemas.fields import Check
from mlpk_schemas.records import build, make, plain, record, values


@record
class Point:
    """Two numbers."""

    x: float
    y: float = 0.0


@record
class Line:
    """A name, and the points it goes through."""

    name: str
    points: tuple[Point, ...]
    width: int = field(default=1, validator=and_(ge(1), lt(10)))
    marks: Mapping[str, Point] = field(factory=dict)
    data: bytes = b""
    more: Any = None


def nothing_else(annotation: Any) -> Check | None:
    del annotation
    return None


def made(*, kw_only: bool = False, **namespace: Any) -> Any:
    """Return what `make` makes of a class with these annotations and values."""
    annotations = namespace.pop("annotations", {})
    cls = type("Thing", (), {"__annotations__": annotations, **namespace})
    return make(cls, "thing", nothing_else, kw_only=kw_only)


LINE: dict[str, Any] = {
    "name": "a",
    "points": [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.0}],
    "width": 2,
    "marks": {"end": {"x": 3.0, "y": 4.0}},
    "data": b"\0",
    "more": {"list": [1, None, "b"]},
}


def test_a_mapping_becomes_a_record_and_comes_back() -> None:
    line = build(Line, LINE, "", strict=True)
    assert line.points == (Point(x=1.0, y=2.0), Point(x=3.0, y=4.0))
    assert line.marks["end"].y == 4.0
    assert plain(line) == LINE
    assert list(values(line)) == ["name", "points", "width", "marks", "data", "more"]


def test_code_may_leave_defaults_out_and_convert() -> None:
    line = Line(name="a", points=[{"x": 1}])  # type: ignore[arg-type] # converted
    assert line == build(Line, {"name": "a", "points": ({"x": 1.0},)}, "", strict=False)
    assert line.points == (Point(x=1.0),)
    assert isinstance(line.points[0].x, float)


def test_a_record_is_frozen_equal_by_value_and_travels() -> None:
    point = Point(x=1.0)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        point.x = 2.0  # type: ignore[misc] # that is the point
    assert point == Point(x=1.0, y=0.0) != Point(x=1.0, y=1.0)
    assert hash(point) == hash(Point(x=1.0))
    assert repr(point) == "Point(x=1.0, y=0.0)"
    assert pickle.loads(pickle.dumps(point)) == point == copy.deepcopy(point)
    assert attrs.evolve(point, y=3) == Point(x=1.0, y=3.0)  # type: ignore[misc] # a record is one of attrs


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": 3}, "file.name: wanted text, found 3 (int)"),
        ({"width": 0}, "file.width: must be >= 1: 0"),
        ({"width": 10}, "file.width: must be < 10: 10"),
        ({"width": 2.0}, "file.width: wanted an integer, found 2.0 (float)"),
        ({"points": [{"x": 1.0}]}, "file.points[0].y: this field is missing"),
        ({"points": [LINE]}, "file.points[0].name: there is no such field; the fields are: x, y."),
        ({"points": ({"x": 1.0, "y": 1.0},)}, "file.points: wanted a list, each item a Point"),
        ({"points": [3]}, "file.points[0]: wanted a Point, found 3 (int)"),
        ({"marks": {"a": {"x": 1, "y": 1.0}}}, "file.marks.a.x: wanted a number, found 1 (int)"),
        ({"data": "a"}, "file.data: wanted bytes, found 'a' (str)"),
        ({"more": {"a": [b""]}}, "file.more.a[0]: wanted plain data"),
        ({"widht": 1}, "there is no such field; the fields are: name, points, width"),
        ({"widht": 1}, "Did you mean 'width'?"),
        ({1: 1}, "file.1: there is no such field"),
    ],
)
def test_a_file_is_told_where_it_is_wrong(change: dict[Any, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(Line, {**LINE, **change}, "file", strict=True)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("name", list(LINE))
def test_a_file_leaves_nothing_out(name: str) -> None:
    rest = {key: value for key, value in LINE.items() if key != name}
    with pytest.raises(ConfigError, match=f"^{name}: this field is missing$"):
        build(Line, rest, "", strict=True)


@pytest.mark.parametrize("given", [None, 3, "abc", [("name", "a")]])
def test_what_is_no_mapping_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"^file: wanted a mapping, found "):
        build(Line, given, "file", strict=False)


def test_without_a_place_paths_start_with_the_field() -> None:
    with pytest.raises(ConfigError) as caught:
        build(Line, {**LINE, "width": 0}, "", strict=True)
    assert caught.value.where == "width"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "Line.name: this field is missing"),
        ({"name": "a"}, "Line.points: this field is missing"),
        ({"name": "a", "points": [], "wdth": 1}, "Line.wdth: there is no such field"),
        ({"name": "a", "points": [], "width": 0}, "Line.width: must be >= 1: 0"),
        ({"name": "a", "points": 1}, "Line.points: wanted a list"),
    ],
)
def test_code_is_told_by_the_name_of_the_class(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Line(**arguments)
    assert str(caught.value).startswith(sentence)


def test_fields_come_by_position_where_the_class_allows_it() -> None:
    thing = made(annotations={"a": int, "b": float}, b=2.0)
    assert (thing(1).a, thing(1).b, thing(1, 3).b, thing(b=1, a=2).a) == (1, 2.0, 3.0, 2)
    for arguments, named, sentence in (
        ((1, 2, 3), {}, "thing: takes 2 fields by position, found 3"),
        ((1,), {"a": 1}, "thing.a: this field is given twice"),
        ((), {"b": 1}, "thing.a: this field is missing"),
    ):
        with pytest.raises(ConfigError) as caught:
            thing(*arguments, **named)
        assert str(caught.value) == sentence
    with pytest.raises(ConfigError, match="takes 0 fields by position, found 1"):
        made(kw_only=True, annotations={"a": int})(1)


def test_a_class_without_fields_takes_none() -> None:
    with pytest.raises(ConfigError, match="there is no such field; it takes no fields"):
        made()(a=1)


def test_a_notebook_sees_the_fields() -> None:
    assert list(inspect.signature(made(annotations={"a": int, "b": float}, b=2.0)).parameters) == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("namespace", "sentence"),
    [
        ({"annotations": {"a": bytes}}, "thing.a: a field may be None, bool, int"),
        ({"annotations": {"a": Callable}}, "thing.a: a field may be None, bool, int"),
        ({"annotations": {"a": "Nowhere"}}, "thing: an annotation cannot be resolved"),
        ({"annotations": {"a": "int |"}}, "thing: an annotation cannot be resolved"),
        ({"a": field()}, "thing.a: this field has no annotation"),
        ({"annotations": {"a": int}, "b": field()}, "thing.b: this field has no annotation"),
        ({"annotations": {"_a": int}}, "thing._a: wanted a name without underscore"),
        ({"annotations": {"a": int}, "a": field(alias="b")}, "thing.a: wanted a name without"),
        (
            {"annotations": {"a": int}, "a": field(default=1, init=False)},
            "thing.a: wanted a field that can be given",
        ),
        (
            {"annotations": {"a": int}, "a": field(converter=int)},
            "thing.a: a field may have no converter of its own",
        ),
        (
            {"annotations": {"a": int}, "__init__": object.__init__},
            "thing: wanted fields alone, found an __init__",
        ),
    ],
)
def test_a_class_is_refused_when_it_is_defined(namespace: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**namespace)
    assert str(caught.value).startswith(sentence)


def test_a_default_is_checked_like_any_value() -> None:
    with pytest.raises(ConfigError, match=r"^thing\.a: wanted an integer, found 'x'"):
        made(annotations={"a": int}, a="x")()


def test_a_validator_runs_on_the_converted_value() -> None:
    thing = made(
        annotations={"a": float | None}, a=field(default=None, validator=optional(ge(0.5)))
    )
    assert (thing().a, thing(1).a) == (None, 1.0)
    with pytest.raises(ConfigError, match=r"^thing\.a: must be >= 0\.5: 0\.25$"):
        thing(0.25)


def test_a_validator_that_raises_more_than_a_sentence_says_only_that() -> None:
    thing = made(annotations={"a": str}, a=field(validator=matches_re("[a-z]+")))
    with pytest.raises(ConfigError) as caught:
        thing("3")
    assert str(caught.value) == "thing.a: must match regex '[a-z]+' ('3' doesn't)"


def test_a_validator_of_its_own_may_raise_what_it_likes_to() -> None:
    def odd(_: object, __: object, value: int) -> None:
        if value == 0:
            raise ValueError
        if value == 1:
            raise ValueError("wanted no one")
        if value == 2:
            raise ConfigError("elsewhere", "is wrong")

    thing = made(annotations={"a": int}, a=field(validator=odd))
    for value, sentence in ((0, "thing.a: "), (1, "thing.a: wanted no one"), (2, "elsewhere: is")):
        with pytest.raises(ConfigError) as caught:
            thing(value)
        assert str(caught.value).startswith(sentence)


def test_a_record_may_compare_its_fields() -> None:
    def ordered(self: Any) -> None:
        if self.low > self.high:
            raise ConfigError("thing.low", f"wanted at most {self.high}, found {self.low}")

    thing = made(annotations={"low": int, "high": int}, __attrs_post_init__=ordered)
    assert thing(1, 2).high == 2
    with pytest.raises(ConfigError, match=r"^a\[0\]\.low: wanted at most 1, found 2$"):
        build(thing, {"low": 2, "high": 1}, "a[0]", strict=True)


def test_an_error_about_something_else_keeps_its_place() -> None:
    def elsewhere(_: Any) -> None:
        raise ConfigError("data.x", "is wrong")

    thing = made(annotations={"a": int}, __attrs_post_init__=elsewhere)
    with pytest.raises(ConfigError, match=r"^data\.x: is wrong$"):
        build(thing, {"a": 1}, "place", strict=True)


def test_what_others_know_is_turned_plain_by_them() -> None:
    assert plain([Point(x=1.0), {"a": (2, Point(x=3.0))}], lambda point: f"x={point.x}") == [
        "x=1.0",
        {"a": [2, "x=3.0"]},
    ]

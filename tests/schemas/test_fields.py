from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import copysign, inf, nan
from pathlib import Path
from typing import Any, Literal, Optional, Union

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpk_schemas.checks import BytesCheck
from mlpk_schemas.errors import ConfigError
from mlpk_schemas.fields import MAX_DEPTH, AnyPlain, Check, check_of
from mlpk_schemas.records import plain


def nothing_else(annotation: Any) -> None:
    """Serve no annotation beside the common ones."""
    del annotation


def check(annotation: Any) -> Check:
    return check_of(annotation, "kind.field", nothing_else)


def same(a: object, b: object) -> bool:
    """Tell whether two plain values are equal in value and in every type."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return a == b and copysign(1, a) == copysign(1, b)
    return a == b


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTS = st.integers(-(2**63), 2**64 - 1)
# Annotations put together at run time mean nothing to a type checker.
TUPLE: Any = tuple
MAPPING: Any = Mapping
UNION: Any = Union
# Each annotation with the values that a file may hold for it.
Typed = tuple[Any, st.SearchStrategy[Any]]
SCALARS: list[Typed] = [
    (None, st.none()),
    (bool, st.booleans()),
    (int, INTS),
    (float, FLOATS),
    (str, st.text(max_size=5)),
    (Literal["same", "valid"], st.sampled_from(["same", "valid"])),
    (Literal[1, 2], st.sampled_from([1, 2])),
    (Literal[True], st.just(True)),  # noqa: FBT003 - a value
]


def tuples(items: list[Typed]) -> Typed:
    return TUPLE[tuple(t for t, _ in items)], st.tuples(*(v for _, v in items)).map(list)


def unions(items: list[Typed]) -> Typed:
    return UNION[tuple(t for t, _ in items)], st.one_of(*(v for _, v in items))


def lists(item: Typed) -> Typed:
    return TUPLE[item[0], ...], st.lists(item[1], max_size=3)


def mappings(item: Typed) -> Typed:
    return MAPPING[str, item[0]], st.dictionaries(st.text(max_size=3), item[1], max_size=3)


def composed(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    return st.one_of(
        inner.map(lists),
        inner.map(mappings),
        st.lists(inner, min_size=1, max_size=3).map(tuples),
        st.lists(inner, min_size=2, max_size=3).map(unions),
    )


TYPED = st.recursive(st.sampled_from(SCALARS), composed, max_leaves=4)
PLAIN = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
ANYTHING = PLAIN | st.one_of(
    st.binary(max_size=3),
    st.floats(),
    st.integers(),
    st.complex_numbers(),
    st.fractions(),
    st.tuples(st.integers()),
    st.frozensets(st.integers(), max_size=2),
    st.dictionaries(st.integers(), st.integers(), min_size=1, max_size=2),
    st.text(st.characters(categories=["Cs"]), min_size=1, max_size=1),
    st.builds(object),
)


@settings(deadline=None)
@given(st.data())
def test_what_a_file_holds_comes_back_as_it_was(data: st.DataObject) -> None:
    annotation, values = data.draw(TYPED)
    value = data.draw(values)
    assert same(plain(check(annotation)(value, "x", strict=True)), value)


@settings(deadline=None)
@given(st.data())
def test_code_may_write_what_a_file_may(data: st.DataObject) -> None:
    annotation, values = data.draw(TYPED)
    value = data.draw(values)
    found = check(annotation)(value, "x", strict=False)
    assert found == check(annotation)(value, "x", strict=True)


@settings(deadline=None)
@given(TYPED, ANYTHING, st.booleans())
def test_any_other_value_is_refused_with_its_path(typed: Typed, value: Any, strict: bool) -> None:
    refused: ConfigError | None = None
    try:
        found = check(typed[0])(value, "kind.field", strict=strict)
    except ConfigError as error:
        refused = error
    if refused is not None:
        assert refused.where.startswith("kind.field")
    elif strict:
        assert same(plain(found), value)


@settings(deadline=None)
@given(PLAIN)
def test_any_plain_value_passes_as_plain(value: Any) -> None:
    assert same(AnyPlain()(value, "x", strict=True), value)


@pytest.mark.parametrize(
    ("annotation", "value", "wanted"),
    [
        (float, 3, 3.0),
        (float, Fraction(1, 4), 0.25),
        (float, np.float32(0.5), 0.5),
        (int, np.int64(7), 7),
        (str, np.str_("a"), "a"),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, ...], (1, 2), (1, 2)),
        (tuple[int, float], [1, 2], (1, 2.0)),
        (int | float, 2, 2),
        (float | int, 2, 2),
        (float | None, 2, 2.0),
        (Optional[int], None, None),  # noqa: UP045 - the old spelling counts too
        (int | tuple[int, int], (3, 4), (3, 4)),
        (int | tuple[int, int], np.array([3, 4]), (3, 4)),
        (tuple[float, ...] | None, np.array([1, 2]), (1.0, 2.0)),
        (tuple[float, ...], np.array([0.5, 2], np.float32), (0.5, 2.0)),
        (tuple[float, ...], np.zeros(0), ()),
        (tuple[tuple[int, int], ...], [np.array([1, 2])], ((1, 2),)),
        (Mapping[str, float], {"a": 1}, {"a": 1.0}),
        (dict[str, int], {"a": 1}, {"a": 1}),
    ],
)
def test_code_may_say_it_more_freely(annotation: Any, value: Any, wanted: Any) -> None:
    found = check(annotation)(value, "x", strict=False)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (float, 3),
        (int, np.int64(3)),
        (tuple[int, ...], (1, 2)),
        (tuple[int, ...], np.array([1, 2])),
        (int, 3.0),
        (float | None, 2),
    ],
)
def test_a_file_may_not(annotation: Any, value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^x: wanted "):
        check(annotation)(value, "x", strict=True)


@pytest.mark.parametrize(
    ("annotation", "value", "sentence"),
    [
        (int, True, "f: wanted an integer, found True"),
        (float, False, "f: wanted a number, found False"),
        (bool, 1, "f: wanted true or false, found 1 (int)"),
        (int, "7", "f: wanted an integer, found '7' (str)"),
        (int, 7.0, "f: wanted an integer, found 7.0 (float)"),
        (float, nan, "f: wanted a finite number, found nan"),
        (float, inf, "f: wanted a finite number, found inf"),
        (int, 2**64, "f: wanted an integer of 64 bits, found 18446744073709551616 (int)"),
        (str, b"a", "f: wanted text, found b'a' (bytes)"),
        (str, "\ud800", r"f: wanted text of valid UTF-8, found '\ud800' (str)"),
        (None, 0, "f: wanted None, found 0 (int)"),
        (Literal["same", "valid"], "full", "f: wanted 'same' or 'valid', found 'full' (str)"),
        (Literal[1], True, "f: wanted 1, found True"),
        (int | None, "a", "f: wanted an integer or None, found 'a' (str)"),
        (tuple[int, ...], 3, "f: wanted a list, each item an integer, found 3 (int)"),
        (tuple[int, ...], [1, "a"], "f[1]: wanted an integer, found 'a' (str)"),
        (
            tuple[int, str],
            [1],
            "f: wanted a list of [an integer, text], found [1] (list)",
        ),
        (Mapping[str, int], {"a": None}, "f.a: wanted an integer, found None"),
        (
            Mapping[str, int],
            {1: 1},
            "f: wanted a mapping of names, each value an integer, found {1: 1} (dict)",
        ),
        (int | tuple[int, ...], [1, "a"], "f[1]: wanted an integer, found 'a' (str)"),
        (
            tuple[float, ...] | None,
            3,
            "f: wanted None or a list, each item a number, found 3 (int)",
        ),
        (tuple[float, ...] | None, [1, None], "f[1]: wanted a number, found None"),
        (
            tuple[float, ...] | None,
            {0: 1.0},
            (
                "f: wanted None or a list, each item a number, found {0: 1.0} (dict); "
                "write a list of its values, in order"
            ),
        ),
        (
            tuple[int, int] | int,
            np.zeros((1, 2), int),
            (
                "f: wanted an integer or a list of [an integer, an integer], "
                "found an array of shape (1, 2), int64"
            ),
        ),
        (tuple[int, ...], np.array([3.0]), "f[0]: wanted an integer, found 3.0 (float)"),
        (tuple[int, ...], np.array([True]), "f[0]: wanted an integer, found True"),
        (
            tuple[int, ...],
            np.array(3),
            "f: wanted a list, each item an integer, found array(3) (ndarray)",
        ),
    ],
)
def test_the_sentence_says_wanted_and_found(annotation: Any, value: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(annotation)(value, "f", strict=False)
    assert str(caught.value) == sentence


def test_whole_numbers_are_those_of_msgpack() -> None:
    for number in (-(2**63), 2**64 - 1):
        assert check(int)(number, "f", strict=True) == number
        assert AnyPlain()([number], "f", strict=True) == [number]
    for number in (-(2**63) - 1, 2**64):
        with pytest.raises(ConfigError, match="wanted an integer of 64 bits"):
            check(int)(number, "f", strict=False)


def test_plain_data_may_come_in_the_types_of_numpy() -> None:
    found = AnyPlain()({"a": (np.int64(1), np.float64(0.5), np.str_("b"))}, "f", strict=False)
    assert same(found, {"a": [1, 0.5, "b"]})


def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(ConfigError, match="wanted a number, found 1000"):
        check(float)(10**400, "f", strict=False)


def test_a_mapping_may_not_look_like_a_kind() -> None:
    value = {"id": "dense", "schema": "1", "config": "{}"}
    with pytest.raises(ConfigError, match="exactly the keys 'id', 'schema' and 'config'"):
        check(Mapping[str, str])(value, "f", strict=False)
    assert check(Mapping[str, str])({**value, "more": ""}, "f", strict=False)["more"] == ""


def test_names_in_a_mapping_are_text_that_a_file_can_hold() -> None:
    for annotation in (Mapping[str, int], Mapping[str, Mapping[str, int]]):
        with pytest.raises(ConfigError, match="valid UTF-8"):
            check(annotation)({"\ud800": 1}, "f", strict=False)
    with pytest.raises(ConfigError, match="valid UTF-8"):
        AnyPlain()({"a": {"\ud800": 1}}, "f", strict=False)


def test_a_mapping_is_copied() -> None:
    given = {"a": 1}
    found = check(Mapping[str, int])(given, "f", strict=False)
    given["a"] = 2
    assert found == {"a": 1}


def test_plain_data_goes_no_deeper_than_the_limit() -> None:
    tree: Any = 0
    for _ in range(MAX_DEPTH - 1):
        tree = [tree]
    assert AnyPlain()(tree, "f", strict=False) == tree
    for deeper in ([tree], {"a": tree}):
        with pytest.raises(ConfigError, match="wanted at most 32 levels, found more"):
            AnyPlain()(deeper, "f", strict=False)
    mapping: Any = 0
    for _ in range(MAX_DEPTH - 1):
        mapping = {"a": mapping}
    assert AnyPlain()(mapping, "f", strict=False) == mapping
    with pytest.raises(ConfigError, match="wanted at most 32 levels, found more"):
        AnyPlain()({"a": mapping}, "f", strict=False)


def test_bytes_are_taken_as_they_are() -> None:
    assert BytesCheck()(b"a", "f", strict=True) == b"a"
    for value in ("a", bytearray(b"a"), None):
        with pytest.raises(ConfigError, match="f: wanted bytes, found "):
            BytesCheck()(value, "f", strict=False)


@pytest.mark.parametrize("value", [b"a", {1, 2}, object(), {1: 2}, 1j, nan, 2**64, np.zeros(2)])
def test_what_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^f\[0\]: wanted "):
        AnyPlain()([value], "f", strict=False)


@pytest.mark.parametrize(
    "annotation",
    [
        Callable,
        Callable[[int], int],
        Path,
        bytes,
        object,
        Any,
        complex,
        tuple,
        tuple[()],
        list,
        list[int],
        set[int],
        Mapping,
        Mapping[int, str],
        Mapping[str, bytes],
        int | Path,
        tuple[int, bytes],
        np.ndarray,
        Literal[b"a"],
        "int",
        5,
    ],
)
def test_a_field_may_be_nothing_else(annotation: Any) -> None:
    with pytest.raises(ConfigError, match=r"^kind\.field: a (field|Literal) may "):
        check(annotation)


def test_others_may_serve_annotations_of_their_own() -> None:
    class Even(Check):
        wanted = "an even number"

        def __call__(self, value: object, where: str, *, strict: bool) -> Any:
            if not isinstance(value, int) or value % 2:
                raise self.refuse(value, where)
            return value

    def other(annotation: Any) -> Check | None:
        return Even() if annotation is complex else None

    assert check_of(tuple[complex, ...], "f", other)([2, 4], "f", strict=True) == (2, 4)
    with pytest.raises(ConfigError, match=r"f\[1\]: wanted an even number, found 3"):
        check_of(tuple[complex, ...], "f", other)([2, 3], "f", strict=True)


def test_where_text_names_a_thing_plain_text_is_not_tried() -> None:
    class Named(Check):
        wanted = "one of the things"
        named = True

        def __call__(self, value: object, where: str, *, strict: bool) -> Any:
            if value != "known":
                raise self.refuse(value, where)
            return 1

    def other(annotation: Any) -> Check | None:
        return Named() if annotation is complex else None

    for annotation in (complex | str, str | complex):
        made = check_of(annotation, "f", other)
        assert made("known", "f", strict=False) == 1
        with pytest.raises(ConfigError, match="wanted one of the things"):
            made("unknown", "f", strict=False)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("length", [31, 32, 5000])
def test_long_lists_are_checked_as_short_ones_are(length: int, strict: bool) -> None:
    numbers = [*range(length)]
    assert check(tuple[int, ...])(numbers, "f", strict=strict) == tuple(numbers)
    mixed: list[Any] = [*numbers, None, "a"]
    assert check(tuple[int | str | None, ...])(mixed, "f", strict=strict) == tuple(mixed)
    for wrong in (True, "\ud800", 2**64, nan, b"", [1]):
        with pytest.raises(ConfigError) as caught:
            check(tuple[int | str, ...])([*numbers, wrong], "f", strict=strict)
        assert caught.value.where.startswith(f"f[{length}]")


@pytest.mark.parametrize("given", ["SAME", "smae"])
@pytest.mark.parametrize(
    "annotation", [Literal["same", "valid"], UNION[Literal["same", "valid"], int, TUPLE[int, int]]]
)
def test_text_gets_the_nearest_of_those_that_may_stand_there(given: str, annotation: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        check(annotation)(given, "conv.padding", strict=False)
    wanted = f"wanted 'same' or 'valid', found '{given}' (str). Did you mean 'same'?"
    assert caught.value.problem == wanted
    with pytest.raises(ConfigError, match=r"'same' or 'valid'.*, found 1.5 \(float\)$"):
        check(annotation)(1.5, "conv.padding", strict=False)


def test_text_where_a_number_may_stand_loses_its_quotes() -> None:
    with pytest.raises(
        ConfigError, match=r"found the text '2' \(str\); write it without quotes: 2$"
    ):
        check(UNION[float, None])("2", "a", strict=False)

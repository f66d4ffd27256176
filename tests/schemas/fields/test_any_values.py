"""Whatever a file may hold comes back, and whatever else there is is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Union

from hypothesis import given, settings
from hypothesis import strategies as st

from mlpk_schemas.errors import ConfigError
from mlpk_schemas.fields import AnyPlain, Check
from mlpk_schemas.records import plain

CheckOf = Callable[[Any], Check]
Same = Callable[[object, object], bool]
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
def test_what_a_file_holds_comes_back_as_it_was(
    check: CheckOf, same: Same, data: st.DataObject
) -> None:
    annotation, values = data.draw(TYPED)
    value = data.draw(values)
    assert same(plain(check(annotation)(value, "x", strict=True)), value)


@settings(deadline=None)
@given(st.data())
def test_code_may_write_what_a_file_may(check: CheckOf, data: st.DataObject) -> None:
    annotation, values = data.draw(TYPED)
    value = data.draw(values)
    found = check(annotation)(value, "x", strict=False)
    assert found == check(annotation)(value, "x", strict=True)


@settings(deadline=None)
@given(TYPED, ANYTHING, st.booleans())
def test_any_other_value_is_refused_with_its_path(
    check: CheckOf, same: Same, typed: Typed, value: Any, strict: bool
) -> None:
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
def test_any_plain_value_passes_as_plain(same: Same, value: Any) -> None:
    assert same(AnyPlain()(value, "x", strict=True), value)

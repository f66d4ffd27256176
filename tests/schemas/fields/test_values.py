"""What code and files may write for a field, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import nan
from typing import Any, Optional

import numpy as np
import pytest

from mlpk_schemas.checks import BytesCheck
from mlpk_schemas.errors import ConfigError
from mlpk_schemas.fields import MAX_DEPTH, AnyPlain, Check

CheckOf = Callable[[Any], Check]
Same = Callable[[object, object], bool]


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
def test_code_may_say_it_more_freely(
    check: CheckOf, annotation: Any, value: Any, wanted: Any
) -> None:
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
def test_a_file_may_not(check: CheckOf, annotation: Any, value: Any) -> None:
    with pytest.raises(ConfigError, match=r"^x: wanted "):
        check(annotation)(value, "x", strict=True)


def test_whole_numbers_are_those_of_msgpack(check: CheckOf) -> None:
    for number in (-(2**63), 2**64 - 1):
        assert check(int)(number, "f", strict=True) == number
        assert AnyPlain()([number], "f", strict=True) == [number]
    for number in (-(2**63) - 1, 2**64):
        with pytest.raises(ConfigError, match="wanted an integer of 64 bits"):
            check(int)(number, "f", strict=False)


def test_plain_data_may_come_in_the_types_of_numpy(same: Same) -> None:
    found = AnyPlain()({"a": (np.int64(1), np.float64(0.5), np.str_("b"))}, "f", strict=False)
    assert same(found, {"a": [1, 0.5, "b"]})


def test_a_number_too_large_for_a_float_is_refused(check: CheckOf) -> None:
    with pytest.raises(ConfigError, match="wanted a number, found 1000"):
        check(float)(10**400, "f", strict=False)


def test_a_mapping_may_not_look_like_a_kind(check: CheckOf) -> None:
    value = {"id": "dense", "schema": "1", "config": "{}"}
    with pytest.raises(ConfigError, match="exactly the keys 'id', 'schema' and 'config'"):
        check(Mapping[str, str])(value, "f", strict=False)
    assert check(Mapping[str, str])({**value, "more": ""}, "f", strict=False)["more"] == ""


def test_names_in_a_mapping_are_text_that_a_file_can_hold(check: CheckOf) -> None:
    for annotation in (Mapping[str, int], Mapping[str, Mapping[str, int]]):
        with pytest.raises(ConfigError, match="valid UTF-8"):
            check(annotation)({"\ud800": 1}, "f", strict=False)
    with pytest.raises(ConfigError, match="valid UTF-8"):
        AnyPlain()({"a": {"\ud800": 1}}, "f", strict=False)


def test_a_mapping_is_copied(check: CheckOf) -> None:
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


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("length", [31, 32, 5000])
def test_long_lists_are_checked_as_short_ones_are(
    check: CheckOf, length: int, strict: bool
) -> None:
    numbers = [*range(length)]
    assert check(tuple[int, ...])(numbers, "f", strict=strict) == tuple(numbers)
    mixed: list[Any] = [*numbers, None, "a"]
    assert check(tuple[int | str | None, ...])(mixed, "f", strict=strict) == tuple(mixed)
    for wrong in (True, "\ud800", 2**64, nan, b"", [1]):
        with pytest.raises(ConfigError) as caught:
            check(tuple[int | str, ...])([*numbers, wrong], "f", strict=strict)
        assert caught.value.where.startswith(f"f[{length}]")

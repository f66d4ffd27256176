"""What is refused is told with what was wanted, what was found, and what to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, nan
from typing import Any, Literal, Union

import numpy as np
import pytest

from mlpk_schemas.errors import ConfigError
from mlpk_schemas.fields import Check

CheckOf = Callable[[Any], Check]
# Annotations put together at run time mean nothing to a type checker.
TUPLE: Any = tuple
UNION: Any = Union


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
        (
            tuple[int, ...],
            3,
            "f: wanted a list, each item an integer, found 3 (int); one alone is written [3]",
        ),
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
            "f: wanted None or a list, each item a number, found 3 (int); one alone is written [3]",
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
def test_the_sentence_says_wanted_and_found(
    check: CheckOf, annotation: Any, value: Any, sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check(annotation)(value, "f", strict=False)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("given", ["SAME", "smae"])
@pytest.mark.parametrize(
    "annotation", [Literal["same", "valid"], UNION[Literal["same", "valid"], int, TUPLE[int, int]]]
)
def test_text_gets_the_nearest_of_those_that_may_stand_there(
    check: CheckOf, given: str, annotation: Any
) -> None:
    with pytest.raises(ConfigError) as caught:
        check(annotation)(given, "conv.padding", strict=False)
    wanted = f"wanted 'same' or 'valid', found '{given}' (str). Did you mean 'same'?"
    assert caught.value.problem == wanted
    with pytest.raises(ConfigError, match=r"'same' or 'valid'.*, found 1.5 \(float\)$"):
        check(annotation)(1.5, "conv.padding", strict=False)


def test_text_where_a_number_may_stand_loses_its_quotes(check: CheckOf) -> None:
    with pytest.raises(
        ConfigError, match=r"found the text '2' \(str\); write it without quotes: 2$"
    ):
        check(UNION[float, None])("2", "a", strict=False)

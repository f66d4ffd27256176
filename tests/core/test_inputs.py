from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlpk import ConfigError, DataError, MlpkError, ShapeError
from mlpk.inputs import as_array, by_name, check_input, converted, row_count
from mlpk_schemas.model import InputSpec

IMAGE = InputSpec(name="image", shape=(4, None), dtype="float32")
TOKENS = InputSpec(name="tokens", shape=(None,), dtype="int64")
MASK = InputSpec(name="mask", shape=(), dtype="bool")


def test_the_only_name_takes_a_bare_array_or_a_dict() -> None:
    x = np.zeros((2, 3))
    assert by_name(x, ["a"], "x") == {"a": x} == by_name({"a": x}, ["a"], "x")


def test_several_names_take_a_dict_and_keep_their_own_order() -> None:
    a, b = np.zeros((2, 3)), np.ones(2)
    assert list(by_name({"b": b, "a": a}, ["a", "b"], "x")) == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (np.zeros(2), 'x: wanted a dict of arrays, {"a": ..., "b": ...}, found '),
        ((np.zeros(2), np.zeros(2)), 'x: wanted a dict of arrays, {"a": ..., "b": ...}, found '),
        ({"a": np.zeros(2)}, "x['b']: is missing from the dict"),
        (
            {"a": np.zeros(2), "b": np.zeros(2), "aa": np.zeros(2)},
            "x['aa']: there is no 'aa'; wanted ['a', 'b']. Did you mean 'a'?",
        ),
        (
            {"a": np.zeros(2), "b": [1.0]},
            "x['b']: wanted an array, found a list; make rows one array",
        ),
        ({"a": np.zeros(2), "b": 1}, "x['b']: wanted rows on the first axis, found a single"),
    ],
)
def test_names_that_do_not_fit_are_told(given: Any, sentence: str) -> None:
    with pytest.raises(MlpkError) as caught:
        by_name(given, ["a", "b"], "x")
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int64", "float16", "float32", "float64", ">f4"]
)
def test_numbers_are_taken_as_they_come(dtype: str) -> None:
    array = np.ones((2, 3), dtype)
    assert as_array(array, "x") is array


class Frame:
    """What is no array but can be one, such as a table of a data library."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.arange(6.0).reshape(2, 3)


def test_what_speaks_numpy_s_protocol_is_taken() -> None:
    assert as_array(Frame(), "x").tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (
            [[1.0]],
            DataError,
            "x: wanted an array, found a list; make rows one array, np.asarray(...)",
        ),
        (
            (1.0,),
            DataError,
            "x: wanted an array, found a tuple; make rows one array, np.asarray(...)",
        ),
        (
            np.array([[1, None]]),
            DataError,
            "x: wanted real numbers, found dtype object, such as 1 (int)",
        ),
        (np.zeros(2, complex), DataError, "x: wanted real numbers, found dtype complex128"),
        (
            np.array(["a"]),
            DataError,
            "x: wanted real numbers, found dtype <U1, such as 'a' (str)",
        ),
        (np.zeros(2, "M8[s]"), DataError, "x: wanted real numbers, found dtype datetime64[s]"),
        (
            "digits.npy",
            DataError,
            "x: wanted an array, found the text 'digits.npy' (str); if it is the name of a file",
        ),
        (
            np.ma.masked_array([1.0, 2.0, 3.0], [False, True, True]),
            DataError,
            "x: wanted a value everywhere, found 2 that are masked; fill them, x.filled(0)",
        ),
        (None, DataError, "x: wanted real numbers, found dtype object, such as None"),
        (
            iter([1]),
            DataError,
            "x: wanted real numbers, found dtype object, such as <list_iterator",
        ),
        (3.0, ShapeError, "x: wanted rows on the first axis, found a single number"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(
    given: Any, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error) as caught:
        as_array(given, "x")
    assert str(caught.value).startswith(sentence)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("dtype", ["U1", "S1", object])
def test_labels_that_are_words_are_to_be_numbered_but_inputs_are_not_labels(dtype: Any) -> None:
    words = np.array(["a", "b"], dtype)
    for role in ("y", "y['digit']", "validation, y"):
        with pytest.raises(DataError, match=r"labels are numbered from 0: np\.unique\(y"):
            as_array(words, role)
    with pytest.raises(DataError) as caught:
        as_array(words, "validation, x")
    assert "labels" not in str(caught.value)


def test_an_array_that_may_be_masked_but_is_not() -> None:
    assert as_array(np.ma.masked_array([1.0, 2.0]), "x").tolist() == [1, 2]


def test_rows_fit_an_input_where_its_lengths_are_known() -> None:
    for length in (1, 7):
        check_input(np.zeros((2, 4, length), np.float32), IMAGE, "x")
    check_input(np.zeros((2, 9), np.int32), TOKENS, "x")
    check_input(np.zeros(3, bool), MASK, "x")


@pytest.mark.parametrize("shape", [(2, 3, 7), (2, 4), (2, 4, 7, 1), (2,), (0,)])
def test_other_rows_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError) as caught:
        check_input(np.zeros(shape), IMAGE, "x")
    assert str(caught.value) == f"x: wanted shape (rows, 4, any), found {shape}"


def test_a_single_row_gets_the_hint_that_it_is_one() -> None:
    spec = InputSpec(name="input", shape=(3,), dtype="float32")
    with pytest.raises(ShapeError, match=r"found \(3,\); put the one row into an array of rows"):
        check_input(np.zeros(3), spec, "x")


def test_rows_of_as_many_numbers_get_the_hint_to_reshape_them() -> None:
    spec = InputSpec(name="input", shape=(2, 3), dtype="float32")
    with pytest.raises(ShapeError, match=r"found \(5, 6\); .*: x\.reshape\(-1, 2, 3\)$"):
        check_input(np.zeros((5, 6)), spec, "x")
    with pytest.raises(ShapeError, match=r"; .*: x\.reshape\(-1, 2, 3\)$"):
        check_input(np.zeros((5, 2, 3, 1)), spec, "x")
    for shape in ((5, 7), (5, 3, 2)):  # the second has its axes in another order
        with pytest.raises(ShapeError, match=r"found \(5, [^;]*$"):
            check_input(np.zeros(shape), spec, "x")


@pytest.mark.parametrize(
    ("dtype", "spec", "fits"),
    [
        ("float64", IMAGE, True),
        ("float16", IMAGE, True),
        ("int64", IMAGE, True),
        ("uint8", IMAGE, True),
        ("bool", IMAGE, True),
        ("int8", TOKENS, True),
        ("bool", TOKENS, True),
        ("float32", TOKENS, False),
        ("int64", MASK, False),
        ("float64", MASK, False),
    ],
)
def test_numbers_are_made_wider_or_shorter_but_never_rounded(
    dtype: str, spec: InputSpec, fits: bool
) -> None:
    array = np.ones((2, *(4 for _ in spec.shape)), dtype)
    if fits:
        check_input(array, spec, "x")
        assert converted(array, spec).dtype == spec.dtype
    else:
        with pytest.raises(DataError, match=f"the input '{spec.name}' wants dtype {spec.dtype}"):
            check_input(array, spec, "x")


def test_an_array_of_the_right_dtype_is_not_copied_and_not_written_to() -> None:
    x = np.zeros((2, 4, 3), np.float32)
    view = converted(x, IMAGE)
    assert np.shares_memory(view, x)
    assert not view.flags.writeable
    assert x.flags.writeable


def test_rows_are_counted_and_must_agree() -> None:
    assert row_count({"a": np.zeros((3, 2)), "b": np.zeros(3)}, "x") == 3
    with pytest.raises(ShapeError, match=r"same number of rows everywhere, found {'a': 3, 'b': 2}"):
        row_count({"a": np.zeros((3, 2)), "b": np.zeros(2)}, "x")
    with pytest.raises(DataError, match="wanted at least one row, found none"):
        row_count({"a": np.zeros((0, 2))}, "x")


def test_a_wrong_name_is_a_config_error() -> None:
    with pytest.raises(ConfigError):
        by_name({"b": np.zeros(2)}, ["a"], "x")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([1, 257], "int8"), ([1, -129], "int8"), ([2**32 + 1], "int32"), ([2**63 + 5], "int64")],
)
def test_whole_numbers_do_not_wrap_around(values: list[int], dtype: str) -> None:
    array = np.array(values, "u8" if max(values) > 2**62 else "i8")
    with pytest.raises(DataError, match=rf"x: {values[-1]} in row {len(values) - 1} does not fit"):
        check_input(array, InputSpec(name="i", shape=(), dtype=dtype), "x")  # type: ignore[arg-type] # as a record takes it
    check_input(array[:0], InputSpec(name="i", shape=(), dtype=dtype), "x")  # type: ignore[arg-type] # likewise


def test_an_axis_of_no_length_is_refused() -> None:
    spec = InputSpec(name="i", shape=(None, 4), dtype="float32")
    with pytest.raises(ShapeError, match=r"x: wanted lengths from 1, found \(2, 0, 4\)"):
        check_input(np.ones((2, 0, 4)), spec, "x")

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mlpk_schemas.errors import ConfigError, MlpkError, nearest, quoted, shown


def test_a_config_error_is_a_value_error_that_says_where() -> None:
    error = ConfigError("dense.units", "wanted an integer, found 'x' (str)")
    assert isinstance(error, MlpkError)
    assert isinstance(error, ValueError)
    assert str(error) == "dense.units: wanted an integer, found 'x' (str)"
    assert (error.where, error.problem) == ("dense.units", "wanted an integer, found 'x' (str)")


def test_without_a_place_the_problem_stands_alone() -> None:
    assert str(ConfigError("", "wanted something else")) == "wanted something else"


def test_it_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(ConfigError("a.b", "is wrong")))
    assert (str(error), error.where, error.problem) == ("a.b: is wrong", "a.b", "is wrong")


def test_its_path_can_be_moved() -> None:
    moved = ConfigError("dense.units", "is wrong").moved("dense", "layers[3]")
    assert moved.where == "layers[3].units"
    assert str(moved) == "layers[3].units: is wrong"


def test_an_error_without_arguments_has_an_empty_sentence() -> None:
    assert str(MlpkError()) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (3, "3 (int)"),
        (0.5, "0.5 (float)"),
        ("a", "'a' (str)"),
        ([1, 2], "[1, 2] (list)"),
    ],
)
def test_a_value_is_shown_with_its_type(value: object, text: str) -> None:
    assert shown(value) == text


def test_an_array_is_shown_by_its_shape_and_dtype() -> None:
    assert shown(np.zeros((2, 3), np.float32)) == "an array of shape (2, 3), float32"
    assert shown(np.float32(0.5)).startswith("np.float32(0.5) (float32)")
    assert shown(np.array(None)) == "array(None, dtype=object) (ndarray)"


def test_a_class_is_no_array_and_a_list_of_arrays_is_short() -> None:
    assert shown(np.int64) == "the class int64"
    assert (
        shown([np.zeros((9, 9)), 3]) == "a list of 2, the first an array of shape (9, 9), float64"
    )
    assert "\n" not in shown({"a": np.zeros((9, 9))})


def test_what_strangers_wrote_is_escaped_and_cut() -> None:
    assert quoted("\x1b[2Jé") == r"'\x1b[2J\xe9'"
    assert quoted("x" * 500) == "'" + "x" * 76 + "..."
    assert quoted("x" * 78) == "'" + "x" * 78 + "'"
    assert len(quoted("x" * 500)) == 80
    assert len(quoted("x" * 500, 20)) == 20
    assert shown("x" * 500) == "'" + "x" * 76 + "... (str)"


def test_the_nearest_name_is_named_if_there_is_one() -> None:
    assert nearest("dens", ["dense", "relu"]) == " Did you mean 'dense'?"
    assert nearest("SGD", ["sgd", "adam"]) == " Did you mean 'sgd'?"
    assert nearest("relu", ["ReLU6"]) == " Did you mean 'ReLU6'?"
    assert nearest("zzz", ["dense", "relu"]) == ""
    assert nearest("dense", []) == ""


def test_a_flood_of_names_is_not_searched() -> None:
    flood = [f"{'a' * 50}{i}" for i in range(1024)]
    assert nearest("dens", ["dense", *flood]) == " Did you mean 'dense'?"
    assert nearest("dens", [*flood, "dense"]) == ""
    assert nearest("a" * 64, ["a" * 63]) != ""
    assert nearest("a" * 65, ["a" * 63]) == nearest("a" * 63, ["a" * 65]) == ""

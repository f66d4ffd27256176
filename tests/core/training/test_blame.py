"""Errors that say what they are about."""

import pytest

from mlpk.errors import ConfigError, DataError, ShapeError
from mlpk.training.blame import about, given_as


def test_a_name_goes_before_the_sentence_and_the_row_stays():
    with pytest.raises(DataError) as caught, about("validation"), about("y"):
        raise DataError("label 3 in row 5: wanted 0 to 2", 5)
    assert str(caught.value) == "validation: y: label 3 in row 5: wanted 0 to 2"
    assert caught.value.row == 5


def test_a_shape_keeps_its_place():
    with pytest.raises(ShapeError) as caught, about("validation"):
        raise ShapeError("wanted 2, found 3", "x")
    assert (str(caught.value), caught.value.where) == (
        "validation: x: wanted 2, found 3",
        "validation: x",
    )
    with pytest.raises(ShapeError, match=r"^y: wanted 2, found 3$"), about("y"):
        raise ShapeError("wanted 2, found 3")


def test_other_errors_pass_through():
    error = ConfigError("metrics", "wanted a list")
    with pytest.raises(ConfigError) as caught, about("validation"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("where", "told"),
    [("f1.average", "metrics[1].average"), ("f1", "metrics[1]"), ("f1_score.k", "f1_score.k")],
)
def test_a_field_is_told_where_its_kind_was_given(where, told):
    with pytest.raises(ConfigError) as caught, given_as("metrics[1]", "f1"):
        raise ConfigError(where, "wanted another")
    assert (caught.value.where, str(caught.value)) == (told, f"{told}: wanted another")

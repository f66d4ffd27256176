"""Rows of arrays, and the batches drawn from them."""

import re

import numpy as np
import pytest

from mlpk.errors import DataError, ShapeError
from mlpk.training.batch import Batch, Rows, checked_weight
from mlpk_schemas.model import InputSpec

SPECS = {"x": InputSpec(name="x", shape=(3,), dtype="float32")}
X = np.arange(21, dtype=np.float32).reshape(7, 3)
Y = np.arange(7) % 4


def rows(x=X, y=Y, weight=None, batch_size=3, specs=SPECS, outputs=("out",), dtype="float32"):
    return Rows(specs, outputs, dtype, x, y, weight, batch_size)


def drawn(batches):
    """Copies, since the next batch may lie in the same memory."""
    return [(b.inputs["x"].copy(), b.targets["out"].copy(), b.rows) for b in batches]


def test_batches_in_order_are_the_rows_and_the_last_is_shorter():
    batches = drawn(rows().epoch(None))
    assert [count for _, _, count in batches] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in batches]), X)
    np.testing.assert_array_equal(np.concatenate([y for _, y, _ in batches]), Y)


def test_drop_last_leaves_out_the_shorter_batch_alone():
    made = rows()
    assert [b.rows for b in made.epoch(None, drop_last=True)] == [3, 3]
    assert (made.batches(drop_last=False), made.batches(drop_last=True)) == (3, 2)
    even = rows(batch_size=7)
    assert even.batches(drop_last=True) == even.batches(drop_last=False) == 1


def test_a_batch_size_beyond_the_rows_is_all_rows():
    assert rows(batch_size=100).batch_size == 7
    assert [b.rows for b in rows(batch_size=100).epoch(None, drop_last=True)] == [7]


def test_an_order_draws_its_rows_with_their_targets_and_weights():
    order = np.array([4, 0, 6, 2, 1, 3, 5])
    weight = np.linspace(0, 1, 7)
    made = rows(weight=weight)
    found = [
        (b.inputs["x"].copy(), b.targets["out"].copy(), b.weight.copy()) for b in made.epoch(order)
    ]
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in found]), X[order])
    np.testing.assert_array_equal(np.concatenate([y for _, y, _ in found]), Y[order])
    got = np.concatenate([w for _, _, w in found])
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, weight[order].astype(np.float32))


def test_first_enters_an_epoch_at_a_batch():
    order = np.arange(7)[::-1]
    whole = drawn(rows().epoch(order))
    late = drawn(rows().epoch(order, first=2))
    assert len(late) == 1
    np.testing.assert_array_equal(late[0][0], whole[2][0])
    assert list(rows().epoch(order, first=3)) == []


def test_rows_in_order_are_views_where_the_dtype_is_right():
    batch = next(rows().epoch(None))
    assert np.shares_memory(batch.inputs["x"], X)
    batch = next(rows(X.astype(np.float64)).epoch(None))
    assert batch.inputs["x"].dtype == np.float32


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float64", "float16", ">f4", "bool"])
@pytest.mark.parametrize("order", [None, np.arange(7)[::-1].copy()], ids=["in order", "drawn"])
def test_inputs_come_in_the_dtype_of_their_spec(dtype, order):
    x = (X % 2).astype(dtype)
    found = np.concatenate([b.inputs["x"].copy() for b in rows(x).epoch(order)])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x[slice(None) if order is None else order])


@pytest.mark.parametrize(
    "scattered",
    [np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], X[::-1]],
    ids=["fortran", "strided", "backwards"],
)
def test_scattered_arrays_give_the_same_rows(scattered):
    order = np.array([3, 1, 6, 0, 2, 5, 4])
    found = np.concatenate([b.inputs["x"].copy() for b in rows(scattered).epoch(order)])
    np.testing.assert_array_equal(found, scattered[order])


def test_labels_stay_whole_and_soft_targets_take_the_dtype_of_the_net():
    assert next(rows().epoch(np.arange(7))).targets["out"].dtype == Y.dtype
    soft = np.eye(4)[Y]
    assert next(rows(y=soft).epoch(None)).targets["out"].dtype == np.float32
    assert next(rows(y=soft, dtype="float64").epoch(None)).targets["out"].dtype == np.float64


def test_a_row_is_named_as_the_caller_numbered_it():
    order = np.array([4, 0, 6, 2, 1, 3, 5])
    batches = list(rows().epoch(order))
    assert [batch.row(0) for batch in batches] == [4, 2, 5]
    assert [batch.row(0) for batch in rows().epoch(None)] == [0, 3, 6]


def test_blame_moves_from_a_row_of_the_batch_to_the_callers():
    batch = Batch({}, {}, None, 3, start=3, order=np.array([4, 0, 6, 2, 1, 3, 5]))
    error = batch.blamed(DataError("label 9 in row 1: wanted 0 to 3", 1))
    assert (str(error), error.row) == ("label 9 in row 1: wanted 0 to 3", 1)
    error = batch.blamed(DataError("label 9 in row 2: wanted 0 to 3", 2))
    assert (str(error), error.row) == ("label 9 in row 3: wanted 0 to 3", 3)
    error = batch.blamed(DataError("label 9 in row 0: wanted 0 to 3", 0), start=1)
    assert (str(error), error.row) == ("label 9 in row 1: wanted 0 to 3", 1)
    streamed = Batch({}, {}, None, 3, within=" of batch 7")
    error = streamed.blamed(DataError("label 9 in row 2: wanted 0 to 3", 2))
    assert str(error) == "label 9 in row 2 of batch 7: wanted 0 to 3"
    whole = DataError("wanted integer labels")
    assert batch.blamed(whole) is whole


@pytest.mark.parametrize(("role", "value"), [("x", np.nan), ("x", -np.inf), ("y", np.inf)])
def test_a_value_that_is_not_finite_is_found_with_its_row(role, value):
    given = {"x": X.copy(), "y": np.eye(4, dtype=np.float32)[Y]}
    given[role][5, 0] = value
    order = np.array([4, 0, 6, 2, 1, 3, 5])
    batches = rows(given["x"], given["y"]).epoch(order)
    for batch in (next(batches), next(batches)):
        batch.refuse_nan()
    with pytest.raises(DataError) as caught:
        next(batches).refuse_nan()
    assert caught.value.row == 5
    assert str(caught.value) == f"{role}: row 5 holds {value} as float32; clean the data first"


def test_of_several_arrays_the_name_is_told():
    finite, nan = np.zeros((2, 1)), np.array([[0.0], [np.nan]])
    with pytest.raises(DataError, match=r"^x\['b'\]: row 1 holds nan"):
        Batch({"a": finite, "b": nan}, {"out": finite}, None, 2).refuse_nan()
    with pytest.raises(DataError, match=r"^y\['right'\]: row 1 holds nan"):
        Batch({"a": finite}, {"left": finite, "right": nan}, None, 2).refuse_nan()


def test_integers_need_no_search():
    Batch({"x": np.zeros((2, 1))}, {"out": np.array([1, 2])}, None, 2).refuse_nan()


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        ({"x": X[:0], "y": Y[:0]}, DataError, "x: wanted at least one row, found none"),
        ({"y": None}, DataError, "y: is missing; each row of x needs a target"),
        (
            {"y": Y[:5]},
            ShapeError,
            "y: wanted a target for each of the 7 rows of x, found 5",
        ),
        ({"x": X[:, :2]}, ShapeError, r"x: wanted shape \(rows, 3\), found \(7, 2\)"),
        ({"x": X[0]}, ShapeError, r"put the one row into an array of rows: x\[None\]"),
        (
            {"weight": np.ones((7, 1))},
            ShapeError,
            r"weight: wanted one weight a row, shape \(7,\), found \(7, 1\)",
        ),
        ({"weight": np.ones(6)}, ShapeError, r"shape \(7,\), found \(6,\)"),
        ({"weight": [1.0] * 7}, DataError, "weight: wanted an array, found a list"),
        ({"y": Y + 0j}, DataError, "y: wanted real numbers, found dtype complex128"),
    ],
)
def test_what_does_not_fit_is_refused(given, error, sentence):
    with pytest.raises(error, match=sentence):
        rows(**given)


def test_a_missing_target_names_its_output():
    given = {"left": Y, "right": Y[:3]}
    with pytest.raises(ShapeError, match=r"^y\['right'\]: wanted a target for each of the 7"):
        rows(y=given, outputs=("left", "right"))


def test_a_weight_is_a_number_from_zero():
    assert checked_weight(np.array([0, 2]), 2, "float32").dtype == np.float64
    assert checked_weight(np.array([0, 2], np.float32), 2, "float64").dtype == np.float32
    for wrong in (-2.0, np.nan):
        message = f"^weight: wanted numbers from 0, found {wrong} in row 1$"
        with pytest.raises(DataError, match=message) as caught:
            checked_weight(np.array([0.0, wrong]), 2, "float64")
        assert caught.value.row == 1


@pytest.mark.parametrize(
    ("value", "dtype"), [(1e39, "float32"), (np.inf, "float32"), (np.inf, "float64")]
)
def test_a_weight_is_one_that_the_model_can_hold(value, dtype):
    message = f"the most that {dtype} holds, found {value}"
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        checked_weight(np.array([1.0, 0.0, value]), 3, dtype)
    assert caught.value.row == 2
    assert checked_weight(np.array([1e39]), 1, "float64") == 1e39

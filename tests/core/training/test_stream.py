"""Batches that the caller makes."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from mlpk.errors import DataError, ShapeError
from mlpk.training.stream import Stream, is_stream
from mlpk_schemas.model import InputSpec

SPECS = {"x": InputSpec(name="x", shape=(2,), dtype="float32")}


def pair(n=3, first=0.0):
    return np.full((n, 2), first), np.arange(n)


def stream(source, outputs=("out",), specs=SPECS):
    return Stream(specs, outputs, "float32", source)


class Shelf(Sequence):
    """Five batches, each made when it is asked for."""

    def __init__(self) -> None:
        self.asked = []

    def __len__(self) -> int:
        return 5

    def __getitem__(self, place: int) -> tuple[Any, Any]:
        self.asked.append(place)
        return pair(first=float(place))


class Tape:
    """An iterable that knows its place."""

    def __init__(self) -> None:
        self.place = 0

    def __iter__(self) -> Iterator[Any]:
        while self.place < 4:
            self.place += 1
            yield pair(first=float(self.place))
        self.place = 0

    def state(self):
        return {"place": self.place}

    def restore(self, state):
        self.place = state["place"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (np.zeros((2, 2)), False),
        ({"x": np.zeros((2, 2))}, False),
        ("digits.npy", False),
        (None, False),
        (3, False),
        ([pair(), pair()], True),
        ([], True),
        ((pair() for _ in range(2)), True),
        (Shelf(), True),
        (Tape(), True),
    ],
    ids=lambda given: type(given).__name__,
)
def test_batches_are_told_from_arrays(given, wanted):
    assert is_stream(given, ["x"]) is wanted


@pytest.mark.parametrize("given", [pair(), [np.zeros(2), np.zeros(2)], [[1.0, 2.0], [3.0, 4.0]]])
def test_a_bare_tuple_or_list_of_arrays_is_refused_with_advice(given):
    with pytest.raises(DataError, match="give several inputs or outputs as a dict by name"):
        is_stream(given, ["x"])
    with pytest.raises(
        DataError, match=r'^x: wanted a dict of arrays, {"a": ..., "b": ...}, found'
    ):
        is_stream(given, ["a", "b"])


def test_a_batch_is_converted():
    made = stream([(np.ones((2, 2), np.int8), np.array([0.5, 1.0]), np.array([1, 2]))])
    (batch,) = made.epoch()
    assert batch.inputs["x"].dtype == np.float32
    assert batch.targets["out"].dtype == np.float32
    assert batch.weight.dtype == np.float32
    assert (batch.rows, batch.row(1)) == (2, 1)
    (batch,) = stream([pair()]).epoch()
    assert batch.targets["out"].dtype.kind == "i"
    assert batch.weight is None


def test_a_sequence_is_entered_at_a_place_and_nothing_before_it_is_read():
    shelf = Shelf()
    found = [batch.inputs["x"][0, 0] for batch in stream(shelf).epoch(first=3)]
    assert found == [3.0, 4.0]
    assert shelf.asked == [3, 4]
    assert list(stream(Shelf()).epoch(first=5)) == []
    assert stream(shelf).batches() == 5


def test_a_list_may_be_walked_again_and_a_generator_may_not():
    again = stream([pair()])
    assert len(list(again.epoch())) == len(list(again.epoch())) == 1
    once = stream(pair() for _ in range(2))
    assert (once.once, again.once) == (True, False)
    assert once.batches() is None
    list(once.epoch())
    with pytest.raises(DataError, match="used up after one epoch; give a list"):
        list(once.epoch())


def test_no_batch_at_all_is_refused():
    with pytest.raises(DataError, match="wanted at least one batch, found none"):
        list(stream([]).epoch())


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ([pair()], True),
        (Shelf(), True),
        (Tape(), True),
        ((pair() for _ in range(2)), False),
        (map(pair, [2, 3]), False),
    ],
    ids=["list", "sequence", "tape", "generator", "map"],
)
def test_what_can_tell_its_place(source, wanted):
    assert stream(source).can_resume is wanted


def test_a_tape_goes_on_where_it_was():
    tape = Tape()
    walk = stream(tape).epoch()
    assert [next(walk).inputs["x"][0, 0] for _ in range(2)] == [1.0, 2.0]
    held = stream(tape).state()
    assert held == {"place": 2}
    other = stream(Tape())
    other.restore(held)
    assert [batch.inputs["x"][0, 0] for batch in other.epoch(first=2)] == [3.0, 4.0]
    assert stream([pair()]).state() == {}


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        ([1, 2], DataError, r"^batch 1: wanted \(x, y\) or \(x, y, weight\), found \[1, 2\]"),
        ((np.zeros((2, 2)),), DataError, r"^batch 1: wanted \(x, y\)"),
        ((np.zeros((2, 3)), np.zeros(2)), ShapeError, r"^batch 1, x: wanted shape \(rows, 2\)"),
        ((np.zeros((0, 2)), np.zeros(0)), DataError, r"^batch 1, x: wanted at least one row"),
        (
            (np.zeros((2, 2)), np.zeros(3)),
            ShapeError,
            r"^batch 1, y: wanted a target for each of its 2 rows, found 3",
        ),
        ((np.zeros((2, 2)), None), DataError, r"^batch 1, y: wanted real numbers"),
        (
            (np.zeros((2, 2)), np.zeros(2), np.array([1.0, -1.0])),
            DataError,
            r"^batch 1: weight: wanted numbers from 0, found -1.0 in row 1",
        ),
        (
            (np.zeros((2, 2)), np.zeros(2), np.ones(3)),
            ShapeError,
            r"^batch 1: weight: wanted one weight a row",
        ),
    ],
)
def test_a_wrong_batch_is_named_by_its_number(given, error, sentence):
    walk = stream([pair(), given]).epoch()
    next(walk)
    with pytest.raises(error, match=sentence):
        next(walk)


def test_several_inputs_and_outputs_go_by_name():
    specs = {name: InputSpec(name=name, shape=(2,), dtype="float32") for name in ("a", "b")}
    x, y = pair()
    made = stream([({"a": x, "b": x + 1}, {"left": y, "right": y})], ("left", "right"), specs)
    (batch,) = made.epoch()
    assert set(batch.inputs) == {"a", "b"}
    assert set(batch.targets) == {"left", "right"}

"""Arrays described before they are read: the description and the array agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlpk import ShapeError
from mlpk.stored import Stored, Tensor, computed, filled, joined

A = np.arange(24.0).reshape(2, 3, 4)
B = A + 100
TENSORS = {"n/a": A, "n/b": B}
a = Tensor(A.shape, A.dtype, "n/a")
b = Tensor(B.shape, B.dtype, "n/b")


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (a, A),
        (a.part(1, 3), A[..., 1:3]),
        (a.part(0, 1, 0), A[:1]),
        (a.part(2, 2), A[..., 2:2]),
        (a.split(2)[1], A[..., 2:]),
        (a.split(3, 1)[2], A[:, 2:]),
        (a.transposed(), A.T),
        (a.transposed(1, 0, 2), A.transpose(1, 0, 2)),
        (a.reshaped(6, 4), A.reshape(6, 4)),
        (a.reshaped(24), A.ravel()),
        (joined([a, b]), np.concatenate([A, B], 2)),
        (joined([a, b, a], 0), np.concatenate([A, B, A], 0)),
        (joined(a.split(4)[::-1]), A[..., ::-1]),
        (a.split(2)[0].transposed().reshaped(12, 1), A[..., :2].T.reshape(12, 1)),
    ],
)
def test_what_moves_elements(made: Stored, wanted: Any) -> None:
    found = made.taken(TENSORS)
    assert np.array_equal(found, wanted)
    assert (found.shape, found.dtype) == (made.shape, made.dtype)
    assert made.moves
    slots = made.renamed("slot:{}/v".format)
    assert slots.sources == tuple(f"slot:{name}/v" for name in made.sources)
    halves = {f"slot:{name}/v": array / 2 for name, array in TENSORS.items()}
    assert np.array_equal(slots.taken(halves), np.asarray(wanted) / 2)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (computed(np.add, a, b), A + B),
        (computed(np.negative, a).part(0, 2), -A[..., :2]),
        (joined([a, computed(np.add, a, b)]), np.concatenate([A, A + B], 2)),
        (computed(lambda x: x.sum(0), a, shape=(3, 4)), A.sum(0)),
        (computed(np.sum, a, shape=()), A.sum()),
        (filled((2, 3), 7, "int64"), np.full((2, 3), 7)),
    ],
)
def test_what_computes_them(made: Stored, wanted: Any) -> None:
    found = made.taken(TENSORS)
    assert np.array_equal(found, wanted)
    assert (found.shape, found.dtype) == (made.shape, made.dtype)
    assert not made.moves


def test_the_same_steps_are_equal_and_others_are_not() -> None:
    again = Tensor(A.shape, A.dtype, "n/a")
    assert a.split(2) == again.split(2)
    assert a.split(2)[0] != a.split(2)[1]
    assert a.part(0, 2) != b.part(0, 2)
    assert joined([a, b]) != joined([b, a])
    assert joined([a, b]).sources == ("n/a", "n/b")
    assert joined([b, a, b]).sources == ("n/b", "n/a")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: a.part(0, 5),
        lambda: a.part(-1, 2),
        lambda: a.part(2, 1),
        lambda: a.part(0, 1, 3),
        lambda: a.split(3),
        lambda: a.split(0),
        lambda: a.transposed(0, 1),
        lambda: a.transposed(0, 0, 1),
        lambda: a.reshaped(5, 5),
        lambda: a.reshaped(-4, -6),
        lambda: joined([a, b.part(0, 1, 0)]),
        lambda: joined([a, Tensor(A.shape, np.dtype("f4"), "n/c")]),
        lambda: joined([a, b], 3),
        lambda: computed(np.sum, a).taken(TENSORS),
        lambda: computed(lambda x: x.astype("f4"), a).taken(TENSORS),
    ],
)
def test_what_does_not_fit_is_refused(wrong: Callable[[], Any]) -> None:
    with pytest.raises(ShapeError):
        wrong()


def test_describing_takes_no_memory() -> None:
    huge = Tensor((2**40, 2**40), np.dtype("f8"), "n/a")
    made = joined([huge.split(2)[0].transposed(), huge.transposed().part(0, 1, 0)], 0)
    assert made.shape == (2**39 + 1, 2**40)
    assert filled((2**40,) * 3, 0, "f8").shape == (2**40,) * 3

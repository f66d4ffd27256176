"""What tells implementations of a loss apart that agree on ordinary numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlpk.arrays import Array
from mlpk.loss import Loss
from mlpk.testing.implementations.losses.ways import assert_rows_agree, drawn
from mlpk.testing.implemented import WHOLE, Implemented
from mlpk.testing.inapplicable import InapplicableError

__all__ = ["CHECKS"]

# Where slopes jump, and where logarithms end.
ROUND = (0.0, 1.0, -1.0, 2.0, -0.0, 0.5, -2.0)
PROBABLE = (0.0, 1.0, 0.5, 1.0, 0.0)
BESIDE = (0.0, 1.0, -1.0, 0.5, -0.5)


def kinks_agree(case: Implemented) -> None:
    """On round numbers, and where predictions meet their targets, loss and gradient are the plain."""
    _, _, weight = drawn(case)
    for where, prediction, target in _kinks(case):
        for given in (None, weight):
            assert_rows_agree(
                case, prediction, target, given, f"of predictions {where}, where slopes jump"
            )


def weights_of_zero_agree(case: Implemented) -> None:
    """All weights may be 0, and what a row of weight 0 predicts may be NaN or infinite."""
    prediction, target, weight = drawn(case)
    where = "where all weights are 0"
    assert_rows_agree(case, prediction, target, np.zeros_like(weight), where)
    for value in (np.nan, np.inf, -np.inf):
        spoilt = prediction.copy()
        spoilt[weight == 0] = value
        where = f"where a row of weight 0 predicts {value}"
        assert_rows_agree(case, spoilt, target, weight, where)


def what_is_not_finite_shows(case: Implemented) -> None:
    """A prediction of NaN or infinity shows in loss and gradient where the plain one lets it."""
    for value in (np.nan, np.inf, -np.inf):
        for which, place in (("first", 0), ("last", -1)):
            prediction, target, weight = drawn(case)
            prediction[:1].reshape(-1)[place] = value
            where = f"where the {which} prediction of row 0 is {value}"
            assert_rows_agree(case, prediction, target, weight, where)


def labels_of_any_type_agree(case: Implemented) -> None:
    """Targets that are whole numbers may be uint8, int32 or int64, as far as these hold them."""
    prediction, target, weight = drawn(case)
    if target.dtype.kind not in "iu":
        raise InapplicableError("the targets are no whole numbers")
    for dtype in WHOLE:
        held = np.iinfo(dtype)
        if held.min <= target.min() and target.max() <= held.max:
            where = f"of targets in {dtype}"
            assert_rows_agree(case, prediction, target.astype(dtype), weight, where)


CHECKS = (
    kinks_agree,
    weights_of_zero_agree,
    what_is_not_finite_shows,
    labels_of_any_type_agree,
)


def _kinks(case: Implemented) -> Iterator[tuple[str, Array, Array]]:
    """Yield what to call predictions, the predictions, and their targets."""
    loss = case.example.instance
    assert isinstance(loss, Loss)
    prediction, target, _ = drawn(case)
    probable, shape = loss.takes == "probabilities", prediction.shape
    numbers = np.array(PROBABLE if probable else ROUND, case.dtype)
    yield "in round numbers", np.resize(numbers, shape), target
    if target.size != prediction.size:
        return
    yield "that are the targets", target.reshape(shape).astype(case.dtype), target
    if not probable:
        halves = (np.rint(2 * target) / 2).astype(target.dtype)
        beside = halves.reshape(shape) + np.resize(BESIDE, shape)
        yield "beside the targets", beside.astype(case.dtype), halves

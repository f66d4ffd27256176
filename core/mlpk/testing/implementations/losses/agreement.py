"""Where an implementation of a loss has to agree: on rows, few and many, near and far."""

from __future__ import annotations

import numpy as np

from mlpk.loss import Loss
from mlpk.testing.implementations.losses.ways import (
    MANY_ROWS,
    ROWS,
    Ways,
    assert_agree,
    drawn,
    plain,
)
from mlpk.testing.implemented import FAR, MANY, Implemented
from mlpk.testing.inapplicable import InapplicableError

__all__ = ["CHECKS"]


def values_and_gradients_agree(case: Implemented) -> None:
    """The loss, a Python float, and its gradient are the plain ones, with weights and without."""
    prediction, target, weight = drawn(case)
    for given in (None, weight):
        assert_agree(case, Ways(case), prediction, target, given, f"with weight {given}")


def many_rows_agree(case: Implemented) -> None:
    """Of rows enough to be cut among threads, loss and gradient are the plain ones."""
    prediction, target, _ = drawn(case, MANY_ROWS)
    weight = np.random.default_rng(1).random(MANY_ROWS).astype(case.dtype)
    for given in (None, weight):
        where = f"of {MANY_ROWS} rows"
        assert_agree(case, Ways(case), prediction, target, given, where, many=MANY)


def far_numbers_agree(case: Implemented) -> None:
    """Predictions ten thousand times as large overflow nowhere where the plain one does not."""
    prediction, target, weight = drawn(case)
    loss = case.example.instance
    assert isinstance(loss, Loss)
    if loss.takes == "probabilities":
        raise InapplicableError("the loss takes probabilities")
    far = prediction * np.array(FAR, case.dtype)
    where = f"of predictions times {FAR:g}"
    with np.errstate(all="ignore"):  # where the plain one overflows, too
        if np.isfinite(plain(case, far, target, weight)[0]):
            assert_agree(case, Ways(case), far, target, weight, where, many=MANY)


def sizes_may_change(case: Implemented) -> None:
    """One context takes batches of other rows in turn."""
    prediction, target, weight = drawn(case)
    ways = Ways(case)
    for rows in (ROWS, 1, ROWS, 2, ROWS):
        for given in (None, weight[:rows]):
            where = f"of {rows} rows, after others"
            assert_agree(case, ways, prediction[:rows], target[:rows], given, where)


CHECKS = (
    values_and_gradients_agree,
    many_rows_agree,
    far_numbers_agree,
    sizes_may_change,
)

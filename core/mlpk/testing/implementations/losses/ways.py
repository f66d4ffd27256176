"""The functions of a loss and those of its implementation, on the same rows."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.choice import method
from mlpk.context import Context
from mlpk.errors import DataError
from mlpk.loss import Loss
from mlpk.testing.implemented import Implemented
from mlpk.testing.pairs import pair

__all__ = ["MANY_ROWS", "ROWS", "Ways", "assert_agree", "assert_rows_agree", "drawn", "plain"]

ROWS = 5
# Enough to be cut among threads.
MANY_ROWS = 3000
WEIGHT = (0.5, 2.0, 0.0, 1.0, 0.25)


class Ways:
    """The functions of an implementation, and a context for them."""

    def __init__(self, case: Implemented, *, spoil: bool = True) -> None:
        loss = case.example.instance
        self.ctx = Context(case.dtype, spoil=spoil)
        self.forward = method(loss, case.item, "forward")
        self.backward = method(loss, case.item, "backward")

    def both(self, prediction: Array, target: Array, weight: Array | None) -> tuple[float, Array]:
        """Return the loss and its gradient."""
        value, saved = self.forward(self.ctx, prediction, target, weight)
        return value, self.backward(self.ctx, saved)


def plain(
    case: Implemented, prediction: Array, target: Array, weight: Array | None
) -> tuple[float, Array]:
    """Return what the loss itself gives: the loss and its gradient."""
    loss, ctx = case.example.instance, Context(case.dtype, spoil=True)
    assert isinstance(loss, Loss)
    value, saved = loss.forward(ctx, prediction, target, weight)
    return value, loss.backward(ctx, saved)


def assert_agree(
    case: Implemented,
    ways: Ways,
    prediction: Array,
    target: Array,
    weight: Array | None,
    where: str,
    *,
    many: int = 1,
) -> None:
    """Assert that loss and gradient are the plain ones."""
    wanted, wanted_grad = plain(case, prediction, target, weight)
    value, grad = ways.both(prediction, target, weight)
    assert isinstance(value, float), f"the loss came out as {type(value).__name__}"
    found = {"loss": np.array(value), "gradient": grad}
    case.assert_agree(found, {"loss": np.array(wanted), "gradient": wanted_grad}, where, many=many)


def assert_rows_agree(
    case: Implemented, prediction: Array, target: Array, weight: Array | None, where: str
) -> None:
    """Assert that the loss, and each row of its gradient, are finite where the plain ones are.

    There they agree. What the loss refuses as data is no matter of numbers, and left out.
    """
    with np.errstate(all="ignore"):
        try:
            wanted, wanted_grad = plain(case, prediction, target, weight)
        except DataError:
            return
        value, grad = Ways(case).both(prediction, target, weight)
    finite = np.isfinite(wanted)
    assert np.isfinite(value) == finite, f"the loss {where}: found {value}, wanted {wanted}"
    if finite:
        case.assert_agree({"loss": np.array(value)}, {"loss": np.array(wanted)}, where)
    case.assert_rows_agree({"gradient": grad}, {"gradient": wanted_grad}, where)


def drawn(case: Implemented, rows: int = ROWS) -> tuple[Array, Array, Array]:
    """Return a prediction, a target and weights, in the dtype of the network."""
    prediction, target = pair(case.example, rows)
    prediction = np.array(prediction, case.dtype)
    case.require(prediction.shape[1:])
    real = np.asarray(target).dtype.kind == "f"
    weight = np.resize(np.array(WEIGHT, case.dtype), rows)
    return prediction, np.array(target, case.dtype if real else None), weight

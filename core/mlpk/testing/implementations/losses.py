"""What an implementation of a loss has to keep."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from mlpk.arrays import Array
from mlpk.choice import method
from mlpk.context import Context
from mlpk.errors import DataError
from mlpk.loss import Loss
from mlpk.testing.implemented import MANY, Implemented
from mlpk.testing.inapplicable import InapplicableError
from mlpk.testing.layouts import LAYOUTS, sealed
from mlpk.testing.memory import assert_steady
from mlpk.testing.pairs import pair
from mlpk.testing.threads import THREADS, together

__all__ = ["CHECKS"]

ROWS = 5
WEIGHT = (0.5, 2.0, 0.0, 1.0, 0.25)
MANY_ROWS = 3000
FAR = 1e4


def values_and_gradients_agree(case: Implemented) -> None:
    """The loss, a Python float, and its gradient are the plain ones, with weights and without."""
    prediction, target, weight = _drawn(case)
    for given in (None, weight):
        _assert_agree(case, _Ways(case), prediction, target, given, f"with weight {given}")


def many_rows_agree(case: Implemented) -> None:
    """Of rows enough to be cut among threads, loss and gradient are the plain ones."""
    prediction, target, _ = _drawn(case, MANY_ROWS)
    weight = np.random.default_rng(1).random(MANY_ROWS).astype(case.dtype)
    for given in (None, weight):
        where = f"of {MANY_ROWS} rows"
        _assert_agree(case, _Ways(case), prediction, target, given, where, many=MANY)


def far_numbers_agree(case: Implemented) -> None:
    """Predictions ten thousand times as large overflow nowhere where the plain one does not."""
    prediction, target, weight = _drawn(case)
    loss = case.example.instance
    assert isinstance(loss, Loss)
    if loss.takes == "probabilities":
        raise InapplicableError("the loss takes probabilities")
    far = prediction * np.array(FAR, case.dtype)
    where = f"of predictions times {FAR:g}"
    with np.errstate(all="ignore"):  # where the plain one overflows, too
        if np.isfinite(_plain(case, far, target, weight)[0]):
            _assert_agree(case, _Ways(case), far, target, weight, where, many=MANY)


def sizes_may_change(case: Implemented) -> None:
    """One context takes batches of other rows in turn."""
    prediction, target, weight = _drawn(case)
    ways = _Ways(case)
    for rows in (ROWS, 1, ROWS, 2, ROWS):
        for given in (None, weight[:rows]):
            where = f"of {rows} rows, after others"
            _assert_agree(case, ways, prediction[:rows], target[:rows], given, where)


def inputs_are_left_alone(case: Implemented) -> None:
    """None of prediction, target and weight is changed; all may be read-only."""
    arrays = _drawn(case)
    given = [sealed(array) for array in arrays]
    _Ways(case).both(*given)
    for array, before, what in zip(given, arrays, ("prediction", "target", "weight"), strict=True):
        assert np.array_equal(array, before), f"the {what} was changed"


def place_in_memory_does_not_matter(case: Implemented) -> None:
    """Predictions, targets and weights may lie scattered, backwards or turned, and be read-only."""
    arrays = _drawn(case)
    for lie, laid in LAYOUTS.items():
        given = [laid(array) for array in arrays]
        _assert_agree(case, _Ways(case), given[0], given[1], given[2], f"of {lie} arrays")


def two_contexts_take_turns(case: Implemented) -> None:
    """What one context keeps survives a forward of another."""
    prediction, target, weight = _drawn(case)
    _, wanted = _plain(case, prediction, target, weight)
    first, second = _Ways(case), _Ways(case)
    _, saved = first.forward(first.ctx, prediction, target, weight)
    second.forward(second.ctx, prediction[::-1], target[::-1], weight)
    found = first.backward(first.ctx, saved)
    case.assert_agree({"gradient": found}, {"gradient": wanted}, "after another forward")


def threads_do_not_meet(case: Implemented) -> None:
    """Several threads at once, each with a context of its own, get what the plain one gives."""
    prediction, target, weight = _drawn(case)
    given = [(prediction[place:], target[place:], weight[place:]) for place in range(THREADS)]
    ways = [_Ways(case) for _ in given]
    found = together([partial(way.both, *each) for way, each in zip(ways, given, strict=True)])
    for each, (_, gradient) in zip(given, found, strict=True):
        _, wanted = _plain(case, *each)
        case.assert_agree({"gradient": gradient}, {"gradient": wanted}, "in one of several threads")


def nothing_is_kept_on_the_loss(case: Implemented) -> None:
    """The loss is as it was: what has to be remembered goes through `saved` and `ctx.empty`."""
    loss = case.example.instance
    arrays, before = _drawn(case), dict(vars(loss))
    _Ways(case).both(*arrays)
    assert vars(loss) == before, f"{sorted(vars(loss).keys() - before.keys())} is new"


def memory_stays_steady(case: Implemented) -> None:
    """After two steps, no step takes memory that grows with the batch: it lies in `ctx.empty`."""
    fewer, more = (_drawn(case, rows) for rows in (MANY_ROWS, 3 * MANY_ROWS))

    def prepared(arrays: tuple[Array, ...]) -> Any:
        ways = _Ways(case, spoil=False)
        return lambda: ways.both(*arrays)

    row = sum(array.nbytes for array in fewer) / MANY_ROWS
    assert_steady(prepared(fewer), prepared(more), 2 * MANY_ROWS, row)


def what_is_not_finite_shows(case: Implemented) -> None:
    """A prediction of NaN or infinity gives a loss that is not finite where the plain one does."""
    for value in (np.nan, np.inf, -np.inf):
        prediction, target, weight = _drawn(case)
        prediction[(0,) * prediction.ndim] = value
        with np.errstate(all="ignore"):
            try:
                wanted, _ = _plain(case, prediction, target, weight)
            except DataError:  # a value that the loss refuses is no matter of numbers
                continue
            found, _ = _Ways(case).both(prediction, target, weight)
        assert np.isfinite(found) == np.isfinite(wanted), f"of {value} came {found}, not {wanted}"


CHECKS = (
    values_and_gradients_agree,
    many_rows_agree,
    far_numbers_agree,
    sizes_may_change,
    inputs_are_left_alone,
    place_in_memory_does_not_matter,
    two_contexts_take_turns,
    threads_do_not_meet,
    nothing_is_kept_on_the_loss,
    memory_stays_steady,
    what_is_not_finite_shows,
)


class _Ways:
    """The functions of an implementation, and a context for them."""

    def __init__(self, case: Implemented, *, spoil: bool = True) -> None:
        loss = case.example.instance
        self.ctx = Context(case.dtype, spoil=spoil)
        self.forward = method(loss, case.item, "forward")
        self.backward = method(loss, case.item, "backward")

    def both(self, prediction: Array, target: Array, weight: Array | None) -> tuple[float, Array]:
        value, saved = self.forward(self.ctx, prediction, target, weight)
        return value, self.backward(self.ctx, saved)


def _plain(
    case: Implemented, prediction: Array, target: Array, weight: Array | None
) -> tuple[float, Array]:
    loss, ctx = case.example.instance, Context(case.dtype, spoil=True)
    assert isinstance(loss, Loss)
    value, saved = loss.forward(ctx, prediction, target, weight)
    return value, loss.backward(ctx, saved)


def _assert_agree(
    case: Implemented,
    ways: _Ways,
    prediction: Array,
    target: Array,
    weight: Array | None,
    where: str,
    *,
    many: int = 1,
) -> None:
    wanted, wanted_grad = _plain(case, prediction, target, weight)
    value, grad = ways.both(prediction, target, weight)
    assert isinstance(value, float), f"the loss came out as {type(value).__name__}"
    found = {"loss": np.array(value), "gradient": grad}
    case.assert_agree(found, {"loss": np.array(wanted), "gradient": wanted_grad}, where, many=many)


def _drawn(case: Implemented, rows: int = ROWS) -> tuple[Array, Array, Array]:
    """Return a prediction, a target and weights, in the dtype of the network."""
    prediction, target = pair(case.example, rows)
    prediction = np.array(prediction, case.dtype)
    case.require(prediction.shape[1:])
    real = np.asarray(target).dtype.kind == "f"
    weight = np.resize(np.array(WEIGHT, case.dtype), rows)
    return prediction, np.array(target, case.dtype if real else None), weight

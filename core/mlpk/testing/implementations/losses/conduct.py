"""How an implementation of a loss may behave: towards its arguments, other contexts and threads."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from mlpk.arrays import Array
from mlpk.testing.implementations.losses.ways import MANY_ROWS, Ways, assert_agree, drawn, plain
from mlpk.testing.implemented import Implemented
from mlpk.testing.layouts import LAYOUTS, sealed
from mlpk.testing.memory import assert_steady
from mlpk.testing.process import left_alone
from mlpk.testing.threads import THREADS, together

__all__ = ["CHECKS"]


def inputs_are_left_alone(case: Implemented) -> None:
    """None of prediction, target and weight is changed; all may be read-only."""
    arrays = drawn(case)
    given = [sealed(array) for array in arrays]
    Ways(case).both(*given)
    for array, before, what in zip(given, arrays, ("prediction", "target", "weight"), strict=True):
        assert np.array_equal(array, before), f"the {what} was changed"


def place_in_memory_does_not_matter(case: Implemented) -> None:
    """Predictions, targets and weights may lie scattered, backwards or turned, and be read-only."""
    arrays = drawn(case)
    for lie, laid in LAYOUTS.items():
        given = [laid(array) for array in arrays]
        assert_agree(case, Ways(case), given[0], given[1], given[2], f"of {lie} arrays")


def two_contexts_take_turns(case: Implemented) -> None:
    """What one context keeps survives a forward of another."""
    prediction, target, weight = drawn(case)
    _, wanted = plain(case, prediction, target, weight)
    first, second = Ways(case), Ways(case)
    _, saved = first.forward(first.ctx, prediction, target, weight)
    second.forward(second.ctx, prediction[::-1], target[::-1], weight)
    found = first.backward(first.ctx, saved)
    case.assert_agree({"gradient": found}, {"gradient": wanted}, "after another forward")


def threads_do_not_meet(case: Implemented) -> None:
    """Several threads at once, each with a context of its own, get what the plain one gives."""
    prediction, target, weight = drawn(case)
    given = [(prediction[place:], target[place:], weight[place:]) for place in range(THREADS)]
    ways = [Ways(case) for _ in given]
    found = together([partial(way.both, *each) for way, each in zip(ways, given, strict=True)])
    for each, (_, gradient) in zip(given, found, strict=True):
        _, wanted = plain(case, *each)
        case.assert_agree({"gradient": gradient}, {"gradient": wanted}, "in one of several threads")


def nothing_is_kept_on_the_loss(case: Implemented) -> None:
    """The loss is as it was: what has to be remembered goes through `saved` and `ctx.empty`."""
    loss = case.example.instance
    arrays, before = drawn(case), dict(vars(loss))
    Ways(case).both(*arrays)
    assert vars(loss) == before, f"{sorted(vars(loss).keys() - before.keys())} is new"


def memory_stays_steady(case: Implemented) -> None:
    """After two steps, no step takes memory that grows with the batch: it lies in `ctx.empty`."""
    fewer, more = (drawn(case, rows) for rows in (MANY_ROWS, 3 * MANY_ROWS))

    def prepared(arrays: tuple[Array, ...]) -> Any:
        ways = Ways(case, spoil=False)
        return lambda: ways.both(*arrays)

    row = sum(array.nbytes for array in fewer) / MANY_ROWS
    assert_steady(prepared(fewer), prepared(more), 2 * MANY_ROWS, row)


def process_is_left_alone(case: Implemented) -> None:
    """NumPy's alarms and the threads of BLAS are afterwards what they were before, both ways."""
    arrays = drawn(case)
    with left_alone():
        Ways(case).both(*arrays)


CHECKS = (
    inputs_are_left_alone,
    place_in_memory_does_not_matter,
    two_contexts_take_turns,
    threads_do_not_meet,
    nothing_is_kept_on_the_loss,
    process_is_left_alone,
    memory_stays_steady,
)

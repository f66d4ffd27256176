"""What every metric has to keep."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.example import Example
from mlpk.metric import Metric
from mlpk.testing.alarms import raised
from mlpk.testing.inapplicable import InapplicableError
from mlpk.testing.layouts import LAYOUTS
from mlpk.testing.pairs import pair

__all__ = ["CHECKS"]

ROWS = 12
CUTS = ((5, 6), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (11,), (4, 8))
# Of a few dozen operations in float32.
ROUNDING = 1e-5


def pieces_do_not_matter(example: Example) -> None:
    """A set gives the same result whole and in pieces, with weights and without."""
    metric, prediction, target = _drawn(example)
    weights = np.random.default_rng(1).uniform(0.5, 2, ROWS)
    for weight in (None, weights):
        wanted = _result(metric, prediction, target, weight)
        for cuts in CUTS:
            pieces = metric.start()
            for start, stop in zip((0, *cuts), (*cuts, ROWS), strict=True):
                part = None if weight is None else weight[start:stop]
                metric.update(pieces, prediction[start:stop], target[start:stop], part)
            _assert_same(metric.result(pieces), wanted, f"cut at {cuts}")


def order_of_rows_does_not_matter(example: Example) -> None:
    """The rows of a set may come in any order."""
    metric, prediction, target = _drawn(example)
    weights = np.random.default_rng(1).uniform(0.5, 2, ROWS)
    order = np.random.default_rng(2).permutation(ROWS)
    for weight in (None, weights):
        wanted = _result(metric, prediction, target, weight)
        moved = None if weight is None else weight[order]
        found = _result(metric, prediction[order], target[order], moved)
        _assert_same(found, wanted, "in another order")


def weights_count_rows(example: Example) -> None:
    """A weight of one changes nothing, one of two counts a row twice, one of zero not at all."""
    metric, prediction, target = _drawn(example)
    ones = np.ones(ROWS)
    _assert_same(
        _result(metric, prediction, target, ones),
        _result(metric, prediction, target),
        "with weights of one",
    )
    heavy = np.array([2.0] + [1.0] * (ROWS - 1))
    doubled = [0, *range(ROWS)]
    _assert_same(
        _result(metric, prediction, target, heavy),
        _result(metric, prediction[doubled], target[doubled]),
        "with a weight of two",
    )
    for kept in (slice(2, ROWS), slice(0, ROWS // 2), slice(ROWS // 2, ROWS)):
        some = np.zeros(ROWS)
        some[kept] = 1
        _assert_same(
            _result(metric, prediction, target, some),
            _result(metric, prediction[kept], target[kept]),
            "with weights of zero",
        )


def float32_gives_the_same(example: Example) -> None:
    """Predictions in float32 give what those in float64 do, as far as rounding lets them."""
    metric, prediction, target = _drawn(example)
    if prediction.dtype.kind != "f":
        raise InapplicableError("the example's predictions are no real numbers")
    low = prediction.astype(np.float32)
    wanted = _result(metric, low.astype(np.float64), target)
    _assert_same(_result(metric, low, target), wanted, "in float32", ROUNDING)


def place_in_memory_does_not_matter(example: Example) -> None:
    """Predictions, targets and weights may lie scattered, backwards or turned, and be read-only."""
    metric, prediction, target = _drawn(example)
    given = prediction, target, np.random.default_rng(1).uniform(0.5, 2, ROWS)
    wanted = _result(metric, *given)
    for lie, laid in LAYOUTS.items():
        _assert_same(_result(metric, *(laid(array) for array in given)), wanted, f"{lie} arrays")


def result_may_be_asked_twice(example: Example) -> None:
    """Asking for the result changes no state, and copies of a state go on like the state itself."""
    metric, prediction, target = _drawn(example)
    state = metric.start()
    for rows in (slice(0, 7), slice(7, ROWS)):
        metric.update(state, prediction[rows], target[rows], None)
        metric.result(state)
        state = {name: array.copy() for name, array in state.items()}
    wanted = _result(metric, prediction, target)
    for _ in range(2):
        _assert_same(metric.result(state), wanted, "asked for in between")


def state_is_arrays(example: Example) -> None:
    """A state is a dict of arrays, which a checkpoint can store; inputs stay, without an alarm."""
    metric, prediction, target = _drawn(example)
    held = prediction.copy(), target.copy()
    prediction.flags.writeable = target.flags.writeable = False
    state = metric.start()
    with raised():
        metric.update(state, prediction, target, None)
        metric.result(state)
    assert all(isinstance(array, np.ndarray) for array in state.values()), state
    assert np.array_equal(prediction, held[0])
    assert np.array_equal(target, held[1])


CHECKS = (
    pieces_do_not_matter,
    order_of_rows_does_not_matter,
    weights_count_rows,
    float32_gives_the_same,
    place_in_memory_does_not_matter,
    result_may_be_asked_twice,
    state_is_arrays,
)


def _result(
    metric: Metric, prediction: Array, target: Array, weight: Array | None = None
) -> float | Array:
    state = metric.start()
    metric.update(state, prediction, target, weight)
    return metric.result(state)


def _assert_same(
    found: float | Array, wanted: float | Array, how: str, tolerance: float = 1e-12
) -> None:
    same = np.allclose(found, wanted, rtol=tolerance, atol=tolerance, equal_nan=True)
    assert same, f"{how} the result is {found}, not {wanted}"


def _drawn(example: Example) -> tuple[Metric, Array, Array]:
    assert isinstance(example.instance, Metric)
    prediction, target = pair(example, ROWS)
    return example.instance, np.array(prediction), np.array(target)

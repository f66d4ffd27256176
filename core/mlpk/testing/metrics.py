"""What every metric has to keep."""

from __future__ import annotations

import numpy as np

from mlpk.arrays import Array
from mlpk.example import Example
from mlpk.metric import Metric

__all__ = ["CHECKS"]

ROWS = 12


def pieces_do_not_matter(example: Example) -> None:
    """A set gives the same result whole and in pieces, with weights and without."""
    metric, prediction, target = _drawn(example)
    weights = np.random.default_rng(1).uniform(0.5, 2, ROWS)
    for weight in (None, weights):
        whole, pieces = metric.start(), metric.start()
        metric.update(whole, prediction, target, weight)
        for rows in (slice(0, 5), slice(5, 6), slice(6, ROWS)):
            part = None if weight is None else weight[rows]
            metric.update(pieces, prediction[rows], target[rows], part)
        assert np.allclose(metric.result(whole), metric.result(pieces), rtol=1e-12, atol=0)


def weights_of_one_are_none(example: Example) -> None:
    """Weights of one change nothing; a weight of two counts a row twice."""
    metric, prediction, target = _drawn(example)
    plain, ones = metric.start(), metric.start()
    metric.update(plain, prediction, target, None)
    metric.update(ones, prediction, target, np.ones(ROWS))
    assert np.allclose(metric.result(plain), metric.result(ones), rtol=1e-12, atol=0)
    twice, heavy = metric.start(), metric.start()
    metric.update(twice, prediction, target, None)
    metric.update(twice, prediction[:1], target[:1], None)
    metric.update(heavy, prediction, target, np.array([2.0] + [1.0] * (ROWS - 1)))
    assert np.allclose(metric.result(twice), metric.result(heavy), rtol=1e-12, atol=0)


def state_is_arrays(example: Example) -> None:
    """A state is a dict of arrays, which a checkpoint can store, and the inputs stay as they are."""
    metric, prediction, target = _drawn(example)
    held = prediction.copy(), target.copy()
    prediction.flags.writeable = target.flags.writeable = False
    state = metric.start()
    metric.update(state, prediction, target, None)
    assert all(isinstance(array, np.ndarray) for array in state.values()), state
    assert np.array_equal(prediction, held[0])
    assert np.array_equal(target, held[1])


CHECKS = (pieces_do_not_matter, weights_of_one_are_none, state_is_arrays)


def _drawn(example: Example) -> tuple[Metric, Array, Array]:
    assert isinstance(example.instance, Metric)
    prediction, target = example.inputs(np.random.default_rng(0), ROWS)
    return example.instance, np.array(prediction), np.array(target)

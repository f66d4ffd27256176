"""The checks of metrics: what is right passes, and each planted fault fails the one made for it."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pytest

from mlpk import Example, Metric, define


def _labels(rng, n):
    return rng.standard_normal((n, 2)), rng.integers(2, size=n)


class Hits(Metric):
    """The share of rows whose class is right."""

    def start(self):
        return {"hits": np.zeros(()), "rows": np.zeros(())}

    def update(self, state, prediction, target, weight):
        w = np.ones(len(target)) if weight is None else weight
        state["hits"] += (w * (prediction.argmax(axis=1) == target)).sum()
        state["rows"] += w.sum()

    def result(self, state):
        return float(state["hits"] / state["rows"])

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(cls(), (2,), draw=_labels)


@define
class Share(Hits):
    kind: ClassVar[str] = "share"


@define
class MeanOfMeans(Hits):
    kind: ClassVar[str] = "mean_of_means"

    def update(self, state, prediction, target, weight):
        w = np.ones(len(target)) if weight is None else weight
        state["hits"] += (w * (prediction.argmax(axis=1) == target)).sum() / w.sum()
        state["rows"] += 1


@define
class IgnoresWeights(Hits):
    kind: ClassVar[str] = "ignores_weights"

    def update(self, state, prediction, target, weight):
        super().update(state, prediction, target, None)


@define
class PlainNumbers(Hits):
    kind: ClassVar[str] = "plain_numbers"

    def start(self):
        return {"hits": 0.0, "rows": 0.0}


@define
class OverTarget(Hits):
    kind: ClassVar[str] = "over_target"

    def update(self, state, prediction, target, weight):
        super().update(state, prediction, target, weight)
        target[0] = 0


METRICS = {
    MeanOfMeans: "pieces_do_not_matter",
    IgnoresWeights: "weights_of_one_are_none",
    PlainNumbers: "state_is_arrays",
    OverTarget: "state_is_arrays",
}


def test_what_is_right_passes(failed):
    assert failed(Share) == set()


@pytest.mark.parametrize("fault", METRICS, ids=lambda kind: kind.kind)
def test_a_faulty_metric_fails(failed, fault):
    assert METRICS[fault] in failed(fault)

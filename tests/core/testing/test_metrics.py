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


@define
class LastRow(Hits):
    """Remembers only whether the last row was right."""

    kind: ClassVar[str] = "last_row"

    def update(self, state, prediction, target, weight):
        state["hits"][...] = prediction[-1].argmax() == target[-1]
        state["rows"][...] = 1


@define
class PresentRows(Hits):
    """Counts a row of weight zero."""

    kind: ClassVar[str] = "present_rows"

    def update(self, state, prediction, target, weight):
        if weight is not None:
            weight = np.maximum(weight, 0.5)
        super().update(state, prediction, target, weight)


@define
class DoublesOnly(Hits):
    """Takes float32 for something else."""

    kind: ClassVar[str] = "doubles_only"

    def update(self, state, prediction, target, weight):
        prediction = np.frombuffer(prediction.tobytes()).reshape(-1, prediction.shape[1])
        super().update(state, prediction, target[: len(prediction)], weight)


@define
class InMemoryOrder(Hits):
    """Reads predictions in the order in which they lie in memory."""

    kind: ClassVar[str] = "in_memory_order"

    def update(self, state, prediction, target, weight):
        prediction = prediction.ravel(order="K").reshape(prediction.shape)
        super().update(state, prediction, target, weight)


@define
class Forgets(Hits):
    """Starts anew once the result was asked for."""

    kind: ClassVar[str] = "forgets"

    def result(self, state):
        found = super().result(state)
        state["hits"][...] = state["rows"][...] = 1e-9
        return found


@define
class Overflowing(Hits):
    """Right, but for what it computes on the way."""

    kind: ClassVar[str] = "overflowing"

    def update(self, state, prediction, target, weight):
        np.exp(np.full(2, 1e4))
        super().update(state, prediction, target, weight)


METRICS = {
    LastRow: "order_of_rows_does_not_matter",
    PresentRows: "weights_count_rows",
    DoublesOnly: "float32_gives_the_same",
    InMemoryOrder: "place_in_memory_does_not_matter",
    Forgets: "result_may_be_asked_twice",
    Overflowing: "state_is_arrays",
    MeanOfMeans: "pieces_do_not_matter",
    IgnoresWeights: "weights_count_rows",
    PlainNumbers: "state_is_arrays",
    OverTarget: "state_is_arrays",
}


def test_what_is_right_passes(failed):
    assert failed(Share) == set()


@pytest.mark.parametrize("fault", METRICS, ids=lambda kind: kind.kind)
def test_a_faulty_metric_fails(failed, fault):
    assert METRICS[fault] in failed(fault)

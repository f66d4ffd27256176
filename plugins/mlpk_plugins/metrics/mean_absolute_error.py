"""Mean absolute error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from mlpk import Example, Metric, define
from mlpk.arrays import Array
from mlpk.metric import Best, MetricState
from mlpk_plugins.metrics.parts import running_mean
from mlpk_plugins.metrics.parts.errors import check_alike, errors


@define
class MeanAbsoluteError(Metric):
    """mean(abs(prediction - target)) over all values of all rows; nan if there is none.

    prediction (N, ...), target of the same shape; a last axis of length 1 may be missing in one of
    the two. A row's weight is that of each of its values.
    """

    kind: ClassVar[str] = "mean_absolute_error"
    best: ClassVar[Best | None] = "min"

    def start(self) -> MetricState:
        return running_mean.start()

    def check(self, prediction: tuple[int, ...], target: Array) -> None:
        check_alike((len(target), *prediction), target)

    def update(
        self, state: MetricState, prediction: Array, target: Array, weight: Array | None
    ) -> None:
        running_mean.add(state, np.abs(errors(prediction, target)), weight)

    def result(self, state: MetricState) -> float:
        return running_mean.mean(state)

    @classmethod
    def examples(cls) -> Iterator[Example]:
        yield Example(
            cls(),
            (2,),
            draw=lambda rng, n: (rng.standard_normal((n, 2)), rng.standard_normal((n, 2))),
        )
